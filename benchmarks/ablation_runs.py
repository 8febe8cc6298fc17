"""Trainings of rows × seeds by the package's own loop, each in a folder of its own, gone on with where it stopped."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import rich.console

from benchmarks.ablation_models import SMALL, build_row, small_config
from benchmarks.ablation_rows import Row
from benchmarks.own_graph_run import OwnGraph, train_graph
from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset, ImageSplit
from tformer_keras.data.load import load_dataset
from tformer_keras.data.pixels import spaced, split_pixels
from tformer_keras.models.counting import Size, count, without_values
from tformer_keras.training.loop import speaker
from tformer_keras.training.recipe import Recipe, plain
from tformer_keras.training.recipes import RECIPES
from tformer_keras.training.run_folder import Job

SIZE = (32, 32)
MODEL = "tformer_micro"


def recipe_of(epochs: int) -> Recipe:
    """How every row is trained: as the shipped classifier, but shorter, without averages and judged once."""
    return dataclasses.replace(
        RECIPES["cifar10"],
        epochs=epochs,
        warmup_epochs=min(0.5, epochs / 10),
        ema_momentum=None,
        evaluate_every=epochs,
        model_arguments=SMALL,
    )


def chosen_images(data: str, train: int, test: int) -> Dataset:
    """So many images of each split, evenly spaced, decoded once and kept in memory for all runs.

    Raises:
        UserError: `data` is no classification dataset, or has fewer images.
    """
    dataset = load_dataset(data, seed=0)
    if dataset.task != "classification":
        raise UserError("images in a folder a class", f"data for {dataset.task} in {data}", "give another")
    for split, wanted, option in ((dataset.train, train, "--images"), (dataset.test, test, "--test-images")):
        if len(split) < wanted:
            raise UserError(f"at most {len(split)} images", f"{wanted}", "take fewer", where=option)
    preprocessing = recipe_of(1).preprocessing(SIZE)

    def some(split: ImageSplit, count: int) -> ImageSplit:
        chosen = spaced(len(split), count)
        pixels = split_pixels(split, preprocessing, chosen)
        return ImageSplit(
            tuple(split.names[index] for index in chosen),
            np.asarray(split.annotations, np.int32)[chosen],
            pixels.__getitem__,
        )

    return dataclasses.replace(dataset, train=some(dataset.train, train), test=some(dataset.test, test))


def train_row(
    row: Row, seed: int, data: str, dataset: Dataset, epochs: int, out: Path, console: rich.console.Console
) -> dict[str, Any]:
    """Trains a row with a seed in the folder `out`, or goes on there, or finds it finished; its report.

    Raises:
        UserError: the folder holds a run of other settings.
        Stop: it was asked to stop; its checkpoint is saved.
    """
    recipe = recipe_of(epochs)
    config = small_config(row, SIZE, len(dataset.class_names))
    recipe = dataclasses.replace(recipe, model_arguments={**recipe.model_arguments, **row.overrides})
    job = Job(data=data, recipe=recipe, out=out, seed=seed, model=MODEL, command=sys.argv)

    def build() -> keras.Model:
        network = build_row(row, config, MODEL)
        speaker(console)(f"{row.label}, seed {seed}: {network.count_params():,} parameters")
        return network

    keras.backend.clear_session()  # of the run before: its graphs are not needed any more
    graph = OwnGraph(build, SIZE, plain(dataclasses.asdict(config)), {"row": row.name})
    return train_graph(job, graph, dataset, console, lambda text: None)


def accuracies(
    rows: Sequence[Row], seeds: Sequence[int], reports: Mapping[tuple[str, int], Any]
) -> dict[str, list[float]]:
    """Top-1 in per cent of each row, a number a seed; `reports` is what `train_row` gave, by (name, seed)."""
    return {
        row.name: [100 * float(reports[row.name, seed]["evaluation"]["top1"]) for seed in seeds]
        for row in rows
    }


def sizes_of(rows: Sequence[Row], classes: int = 10) -> dict[str, Size]:
    """Parameters and multiply-accumulates of each row's small model."""

    def size(row: Row) -> Size:
        return count(without_values(lambda: build_row(row, small_config(row, SIZE, classes))))

    return {row.name: size(row) for row in rows}

"""A training, by the package's own loop, of a graph that is none of its models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import rich.console

from tformer_keras.data.dataset import Dataset
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.keras_run import KerasRun
from tformer_keras.training.loop import Say, finished, speaker
from tformer_keras.training.run_folder import Job, make_record


@dataclasses.dataclass(frozen=True)
class OwnGraph:
    """What is trained.

    Attributes:
        build: makes it, for inputs of `size` (height, width) and the dataset's classes.
        config: of its record.
        decides: what decides the result beside recipe, seed and images, by name.
    """

    build: Callable[[], keras.Model]
    size: tuple[int, int]
    config: Mapping[str, Any]
    decides: Mapping[str, Any]


def train_graph(
    job: Job,
    graph: OwnGraph,
    dataset: Dataset,
    console: rich.console.Console,
    say_finished: Say | None = None,
) -> dict[str, Any]:
    """Trains in the job's folder, or goes on there, or finds it finished; its report.

    Args:
        say_finished: what speaks where it is; None: the console.

    Raises:
        UserError: the folder holds a run of other settings.
        Stop: it was asked to stop; its checkpoint is saved.
    """
    cluster = Cluster()
    say, preprocessing = speaker(console, cluster), job.recipe.preprocessing(graph.size)
    model = {"name": job.model, "config": graph.config}
    record = make_record(job, dataset, preprocessing, model, {"model": job.model, **graph.decides}, {})
    done = finished(job, record, cluster, say_finished or say)
    if done is not None:
        return done
    keras.utils.set_random_seed(job.seed)
    return KerasRun(job, cluster, dataset, graph.build(), preprocessing, say).run(record, console)

"""Detectors and segmenters in LiteRT with XNNPACK, and what their outputs take to become boxes or a class map."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparison import Key, Row, summarise
from benchmarks.litert import Model
from benchmarks.task_peers import TASK_PEERS

# Of each task, what the others' ratios are to.
OURS = {"detection": "detector_s", "segmentation": "segmenter_s"}
ANSWER = "answer"


class Answering:
    """What follows an inference: the outputs of one, read as the device's own code reads them."""

    def __init__(self, path: Path, threads: int) -> None:
        from tformer_edge import Model as EdgeModel
        from tformer_edge.latency import input_of

        self.model = EdgeModel(path, threads=threads)
        self.outputs = self.model.run(input_of(self.model))

    def run(self) -> None:
        """One answer."""
        self.model.read(self.outputs)


def of_task(files: Mapping[Key, Path], task: str) -> dict[Key, Path]:
    """Those of `files` that are of a task."""
    return {key: path for key, path in files.items() if TASK_PEERS[key[0]].task == task}


def measure_tasks(
    files: Mapping[Key, Path],
    threads: int,
    measure: Callable[[Mapping[Key, Any]], dict[Key, np.ndarray]],
    platform: str,
) -> list[Row]:
    """A row for each network and one for its answer, of each task apart.

    Args:
        files: of `TASK_PEERS`, with contracts.
        threads: of LiteRT; answers are made by one.
        measure: gives milliseconds `(rounds, runs)` of each.
        platform: as `Row` has it.
    """
    rows = []
    for task, ours in OURS.items():
        members = of_task(files, task)
        networks = {key: Model(path, threads) for key, path in members.items()}
        answers = {(name, ANSWER): Answering(path, threads) for (name, _), path in members.items()}
        samples = measure({**networks, **answers})

        def describe(key: Key, networks: Mapping[Key, Model] = networks) -> dict[str, Any]:
            network = networks[key[0], "int8"]
            partitions = None if key[1] == ANSWER else network.partitions
            return {"label": TASK_PEERS[key[0]].label, "bytes": network.bytes, "partitions": partitions}

        rows += summarise(
            samples, describe, platform=f"{platform}, {task}", threads=threads, unit="ms", ours=(ours, "int8")
        )
    return rows

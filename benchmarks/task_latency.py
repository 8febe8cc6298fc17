"""Detectors and segmenters in LiteRT with XNNPACK, and what their outputs take to become boxes or a class map."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparison import Key, Row, summarise
from benchmarks.litert import Model
from benchmarks.task_peers import TASK_PEERS, sized_name

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


@dataclasses.dataclass(frozen=True)
class Table:
    """What is compared with each other: the models of one task and one size.

    Args:
        title: "detection, 320×320".
        ours: what ratios are to.
        files: of `TASK_PEERS`.
    """

    title: str
    ours: Key
    files: Mapping[Key, Path]


def tables_of(files: Mapping[Key, Path]) -> list[Table]:
    """The tables that files of `TASK_PEERS` make, detectors first, sizes in order."""
    tables = []
    for task, ours in OURS.items():
        for size in sorted({TASK_PEERS[name].size for name, _ in files}):
            wanted = (task, size)
            peers = {key: TASK_PEERS[key[0]] for key in files}
            members = {key: files[key] for key, peer in peers.items() if (peer.task, peer.size) == wanted}
            if members:
                tables.append(Table(f"{task}, {size}×{size}", (sized_name(ours, size), "int8"), members))
    return tables


def measure_tasks(
    files: Mapping[Key, Path],
    threads: int,
    measure: Callable[[Mapping[Key, Any]], dict[Key, np.ndarray]],
    platform: str,
) -> list[Row]:
    """A row for each network and one for its answer, of each task and size apart.

    Args:
        files: of `TASK_PEERS`, with contracts.
        threads: of LiteRT; answers are made by one.
        measure: gives milliseconds `(rounds, runs)` of each.
        platform: as `Row` has it.
    """
    rows = []
    for table in tables_of(files):
        networks = {key: Model(path, threads) for key, path in table.files.items()}
        answers = {(name, ANSWER): Answering(path, threads) for (name, _), path in table.files.items()}
        samples = measure({**networks, **answers})

        def describe(key: Key, networks: Mapping[Key, Model] = networks) -> dict[str, Any]:
            network = networks[key[0], "int8"]
            partitions = None if key[1] == ANSWER else network.partitions
            return {"label": TASK_PEERS[key[0]].label, "bytes": network.bytes, "partitions": partitions}

        where = f"{platform}, {table.title}"
        rows += summarise(samples, describe, platform=where, threads=threads, unit="ms", ours=table.ours)
    return rows

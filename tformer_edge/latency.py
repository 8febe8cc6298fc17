"""How long a model takes on this machine: loading, the first inference, and the others."""

import importlib
import math
import os
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tformer_edge.contract import output_shapes
from tformer_edge.memory import peak_bytes
from tformer_edge.model import Model

Tensor = NDArray[np.generic]


@dataclass(frozen=True)
class Latency:
    """Milliseconds of inferences of one input tensor, preprocessing not counted.

    Attributes:
        first: the one right after loading, which fills caches and packs weights.
        runs: how many were measured after the warm-up.
        mean, p50, p90, p99, least, most: of those. p90 is the least time that 90 % of them did not exceed.
    """

    first: float
    runs: int
    mean: float
    p50: float
    p90: float
    p99: float
    least: float
    most: float


def input_of(model: Model) -> Tensor:
    """The file's first golden input, or else a random one that is always the same."""
    shape, kind = model.input.shape, np.dtype(model.input.type)
    if model.file.golden:
        return np.frombuffer(model.file.golden[0].input, kind).reshape(shape)
    random = np.random.default_rng(0)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        return random.integers(limits.min, limits.max, shape, kind, endpoint=True)
    return random.normal(size=shape).astype(kind)


def measure(model: Model, runs: int = 100, warm_up: int = 5, seconds: float | None = None) -> Latency:
    """Runs an open model that has not run yet.

    Args:
        model: made with warm=False.
        runs: inferences to measure, at least 1; with `seconds`, the least of them.
        warm_up: inferences after the first that are not measured.
        seconds: measure for as long as this.

    Raises UserError where the model cannot run.
    """
    tensor = input_of(model)
    first = _one(model, tensor)
    for _ in range(warm_up):
        model.run(tensor)
    times = array("d")  # 8 bytes a run: an hour of a millisecond each is 29 MB
    end = time.perf_counter() + (seconds or 0)
    while len(times) < runs or (seconds is not None and time.perf_counter() < end):
        times.append(_one(model, tensor))
    ranked = sorted(times)
    return Latency(
        first=first,
        runs=len(times),
        mean=math.fsum(times) / len(times),
        p50=percentile(ranked, 50),
        p90=percentile(ranked, 90),
        p99=percentile(ranked, 99),
        least=ranked[0],
        most=ranked[-1],
    )


def measure_reading(model: Model, runs: int = 20) -> float | None:
    """Milliseconds, the median, that an open model's outputs take to become an answer: labels, boxes or class maps.

    None for a file that has no task. Raises UserError where the model cannot run.
    """
    contract = model.file.contract
    if contract is None or output_shapes(contract) is None:
        return None
    outputs = model.run(input_of(model))
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        model.read(outputs)
        times.append(1e3 * (time.perf_counter() - started))
    return percentile(sorted(times), 50)


def percentile(ranked: Sequence[float], percent: float) -> float:
    """The least of `ranked`, in ascending order, that `percent` % of them do not exceed (nearest rank)."""
    return ranked[max(math.ceil(percent / 100 * len(ranked)), 1) - 1]


def load_litert() -> float:
    """Imports LiteRT; the milliseconds that it took, near 0 where it was imported before."""
    started = time.perf_counter()
    importlib.import_module("ai_edge_litert.interpreter")
    return 1e3 * (time.perf_counter() - started)


def peak_megabytes(model: Model) -> float | None:
    """The most memory that was resident: of this process, and of the model's own where it has one."""
    pids: list[int | str] = ["self"] if model.pid == os.getpid() else ["self", model.pid]
    peaks = [peak_bytes(pid) for pid in pids]
    return None if None in peaks else sum(peak or 0 for peak in peaks) / 1e6


def _one(model: Model, tensor: Tensor) -> float:
    return 1e3 * model.timed_run(tensor)[1]

"""From measured samples to a table: medians, spread, ratios, and the goals that the ratios are held against."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np

Key = tuple[str, str]  # a model's name and the kind of its file: ("tformer_s", "int8")
OURS: Key = ("tformer_s", "int8")


@dataclasses.dataclass(frozen=True)
class Row:
    """One model of a table. Times are in milliseconds, instructions in millions."""

    model: str
    kind: str  # int8, fp16 or float
    label: str
    platform: str  # "x86", "cortex-a72", …
    threads: int
    unit: str  # "ms" or "M instructions"
    median: float
    p10: float
    p90: float
    minimum: float
    samples: int
    ratio: (
        float | None
    )  # to TFormer-S int8 in the same table, or its detector; None where that was not measured
    bytes: int
    partitions: int | None  # XNNPACK's parts of the graph: 1 is best


@dataclasses.dataclass(frozen=True)
class Goal:
    """A ratio to reach: `above` over `below`, where each is the best of its models."""

    label: str
    above: tuple[Key, ...]
    below: tuple[Key, ...]
    at_most: bool  # else at least
    limits: Mapping[str, float]  # by platform; a platform that is not named has a ratio and no limit


GOALS = (
    Goal(
        "TFormer-S over ResNet-18",
        (OURS,),
        (("resnet18", "int8"),),
        True,
        {"x86": 0.90, "cortex-a72": 0.68, "cortex-a76": 0.80},
    ),
    Goal(
        "TFormer-S over its pool-free floor",
        (OURS,),
        (("tformer_s_pool_free", "int8"),),
        True,
        {"x86": 1.2, "cortex-a72": 1.2, "cortex-a76": 1.2},
    ),
    Goal(
        "stock conversion over TFormer-S",
        (("tformer_s_stock", "int8"),),
        (OURS,),
        False,
        {"x86": 2.5},
    ),
    Goal(
        "stock conversion, the paper's GELU, over TFormer-S",
        (("tformer_s_gelu_stock", "int8"),),
        (OURS,),
        False,
        {"x86": 3.3},
    ),
    Goal(
        "best float32 over int8 of TFormer-S",
        (("tformer_s", "float"), ("tformer_s_stock", "float")),
        (OURS,),
        False,
        {"x86": 3.0},
    ),
)


@dataclasses.dataclass(frozen=True)
class Reached:
    """A goal and the ratio that was measured. `reached` is None where the platform has no limit."""

    label: str
    platform: str
    threads: int
    ratio: float
    limit: float | None
    at_most: bool
    reached: bool | None


def paired_ratio(above: np.ndarray, below: np.ndarray) -> float:
    """The median over the rounds of one model's median over another's: a machine that slows down slows down both.

    Args:
        above, below: samples `(rounds, runs)` of the two models from the same rounds; positive.
    """
    if above.shape[0] != below.shape[0]:
        raise ValueError(
            f"paired_ratio() expected samples of the same rounds, received {above.shape} and {below.shape}."
        )
    return float(np.median(np.median(above, axis=1) / np.median(below, axis=1)))


def summarise(
    samples: Mapping[Key, np.ndarray],
    describe: Callable[[Key], Mapping[str, Any]],
    *,
    platform: str,
    threads: int,
    unit: str,
    ours: Key = OURS,
) -> list[Row]:
    """A row for each model, in the order of `samples`.

    Args:
        samples: `(rounds, runs)` of each model, in `unit`.
        describe: gives a model's `label`, `bytes` and `partitions`.
        ours: what ratios are to.
    """
    rows = []
    for key, values in samples.items():
        ratio = paired_ratio(values, samples[ours]) if ours in samples else None
        low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
        rows.append(
            Row(
                model=key[0],
                kind=key[1],
                platform=platform,
                threads=threads,
                unit=unit,
                median=float(middle),
                p10=float(low),
                p90=float(high),
                minimum=float(values.min()),
                samples=values.size,
                ratio=ratio,
                **describe(key),
            )
        )
    return rows


def hold_against_goals(
    samples: Mapping[Key, np.ndarray], *, platform: str, threads: int, goals: Sequence[Goal] = GOALS
) -> list[Reached]:
    """The goals whose models were all measured, with the ratio of this table."""

    def best(keys: tuple[Key, ...]) -> np.ndarray:
        return min((samples[key] for key in keys), key=lambda values: float(np.median(values)))

    results = []
    for goal in goals:
        if any(key not in samples for key in goal.above + goal.below):
            continue
        ratio = paired_ratio(best(goal.above), best(goal.below))
        limit = goal.limits.get(platform)
        reached = None if limit is None else (ratio <= limit if goal.at_most else ratio >= limit)
        results.append(Reached(goal.label, platform, threads, ratio, limit, goal.at_most, reached))
    return results


def as_document(rows: Sequence[Row], goals: Sequence[Reached], made: Mapping[str, str]) -> dict[str, Any]:
    """Everything as plain data, for `--json`."""
    return {
        **made,
        "results": [dataclasses.asdict(row) for row in rows],
        "goals": [dataclasses.asdict(goal) for goal in goals],
    }


def write_csv(file: TextIO, rows: Sequence[Row], made: Mapping[str, str]) -> None:
    """One line a row, and where and of what it was made at the end of each line."""
    columns = [field.name for field in dataclasses.fields(Row)]
    writer = csv.DictWriter(file, [*columns, *made], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        values = {name: round(v, 4) if isinstance(v, float) else v for name, v in vars(row).items()}
        writer.writerow({**values, **made})


def write_results(
    folder: Path, name: str, rows: Sequence[Row], goals: Sequence[Reached], made: Mapping[str, str]
) -> list[Path]:
    """Writes `name`.csv, .json and .png into `folder`, each under a temporary name first. Returns their paths."""
    from benchmarks.chart import draw

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for ending in ("csv", "json", "png"):
        path = folder / f"{name}.{ending}"
        temporary = folder / f".{name}.{ending}.tmp"
        if ending == "csv":
            with temporary.open("w", encoding="utf-8") as file:
                write_csv(file, rows, made)
        elif ending == "json":
            text = json.dumps(as_document(rows, goals, made), indent=2, ensure_ascii=False)
            temporary.write_text(text + "\n", "utf-8")
        else:
            draw(temporary, rows, made)
        os.replace(temporary, path)
        paths.append(path)
    return paths

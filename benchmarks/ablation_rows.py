"""The rows of the paper's Tables 2 and 3 with its figures, and two that it lacks. Imports no training framework."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tformer_cli import paper_rows

KERNELS = (3, 5, 7, 9, 11)


@dataclasses.dataclass(frozen=True)
class Row:
    """One configuration.

    Attributes:
        name: of its folders and files.
        label: for people.
        overrides: fields of `TFormerConfig`.
        depthwise: a depthwise 3×3 convolution that is learnt stands where the hybrid pooling was.
    """

    name: str
    label: str
    overrides: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    depthwise: bool = False


def _pooling(operators: tuple[str, ...], *kernels: int) -> Row:
    what, sizes_ = "+".join(operators), "-".join(map(str, kernels))
    overrides = {"operators": operators, "kernels": kernels}
    return Row(f"{what.replace('+', '-')}-{sizes_}", f"{what.replace('+', ' + ')} {sizes_}", overrides)


AVERAGE = ("average",)
TFORMER = Row("tformer", "TFormer: average + max 3-5-7-9-11, PCS r=4 g=2")
NO_POOLING = Row("no-pooling", "no pooling: the 1×1 convolution alone", {"kernels": (1,)})
DEPTHWISE = Row("depthwise", "depthwise 3×3 convolution for the poolings", depthwise=True)

# The paper's Table 2: ImageNet top-1 in per cent.
_TABLE_2 = (
    (_pooling(AVERAGE, 3), 77.2),
    (_pooling(AVERAGE, 5), 77.2),
    (_pooling(AVERAGE, 7), 77.1),
    (_pooling(AVERAGE, 9), 76.8),
    (_pooling(AVERAGE, 3, 5), 77.2),
    (_pooling(AVERAGE, 3, 5, 7), 77.3),
    (_pooling(AVERAGE, 3, 5, 7, 9), 77.5),
    (_pooling(AVERAGE, *KERNELS), 77.7),
    (_pooling(("average", "max"), 3), 77.6),
    (TFORMER, 78.0),
)
# Its Table 3 as `tformer sizes` prints it; a row that changes nothing is TFormer itself.
_TABLE_3 = tuple(
    (
        Row(
            row.label.split(" (")[0].lower().replace(", ratio", "").replace(" ", "-"),
            row.label,
            row.overrides,
        )
        if row.overrides
        else TFORMER,
        float(row.scores[0]),
    )
    for row in paper_rows.ROWS
    if row.table == paper_rows.FFN
)

TABLES: dict[str, dict[str, float]] = {
    "Table 2": {row.name: score for row, score in _TABLE_2},
    "Table 3": {row.name: score for row, score in _TABLE_3},
}
NOT_IN_THE_PAPER = (NO_POOLING, DEPTHWISE)
ROWS: dict[str, Row] = {
    row.name: row for row in (*(row for row, _ in (*_TABLE_2, *_TABLE_3)), *NOT_IN_THE_PAPER)
}

# What the paper concludes from its tables, each as (the better row, the other one).
CLAIMS: dict[str, tuple[tuple[str, str], ...]] = {
    "Table 2": (
        ("average-3", "average-9"),
        ("average-3-5-7", "average-3-5"),
        ("average-3-5-7-9", "average-3-5-7"),
        ("average-3-5-7-9-11", "average-3-5-7-9"),
        ("average-3-5-7-9-11", "average-3"),
        ("average-max-3", "average-3"),
        ("tformer", "average-3-5-7-9-11"),
        ("tformer", "average-max-3"),
    ),
    "Table 3": (
        ("ghost-4", "standard-r=1"),
        ("pcs-r=4-g=4", "ghost-4"),
        ("pcs-r=4-g=4", "standard-r=1"),
        ("ghost-2", "standard-r=2"),
        ("tformer", "ghost-2"),
        ("tformer", "standard-r=2"),
        ("tformer", "pcs-r=4-g=4"),
        ("standard-r=4", "tformer"),
    ),
}
# What it does not ask.
QUESTIONS = (("tformer", "no-pooling"), ("tformer", "depthwise"))

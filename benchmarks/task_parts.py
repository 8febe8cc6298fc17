"""Where a detector's or segmenter's time goes: by type of operation, and of backbone, neck and head.

The operations of one file are timed, whose order is that of the parts (`file_parts.py`); how many of them are of the
backbone and of the neck is counted in files that end there.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparison import Key
from benchmarks.file_parts import PARTS, cut
from benchmarks.op_profile import Operation, profile
from benchmarks.task_peers import TASK_PEERS
from tformer_edge.errors import UserError

# What the profiler calls an operation, and what this table does.
_SHORT = (
    (r".*DWConv.*", "depthwise"),
    (r".*(GEMM|IGEMM|Fully Connected|Convolution).*", "matrix products"),
    (r".*Resize.*", "resize"),
    (r".*(Copy|Slice|Reshape|Pad|Concat|Transpose).*", "copies"),
    (r".*(Add|Multiply|Subtract).*", "sums, products"),
    (r".*Pooling.*", "pools"),
    (r".*(Invalid Unary|Sigmoid|Unary).*", "activations"),
)


@dataclasses.dataclass(frozen=True)
class PartRow:
    """A type of operation in a part of a model."""

    model: str
    label: str
    size: int  # height and width
    threads: int
    partitions: int  # XNNPACK's, of the whole file
    part: str
    operation: str
    count: int
    milliseconds: float


def short_name(operation: str) -> str:
    """The table's name of what the profiler calls `operation`; outside XNNPACK all is "LiteRT's own"."""
    if not operation.startswith("XNNPACK"):
        return "LiteRT's own"
    return next((name for pattern, name in _SHORT if re.match(pattern, operation)), "others")


def split_run(whole: Sequence[Operation], begins: Sequence[Sequence[Operation]]) -> list[list[Operation]]:
    """The operations of each part of a run.

    Args:
        whole: all that ran, in order.
        begins: those of files that end with the first part, the second, …, but the last.

    Raises:
        UserError: one of these does not begin the whole, as where LiteRT cut the graph.
    """
    types = [operation.type for operation in whole]
    for begin in begins:
        if [operation.type for operation in begin] != types[: len(begin)]:
            raise UserError(
                "a file in one XNNPACK partition, whose parts run one behind the other",
                "one whose parts run otherwise",
                "use --profile with --files",
                where="--tasks --profile",
            )
    ends = [0, *map(len, begins), len(whole)]
    return [list(whole[start:end]) for start, end in itertools.pairwise(ends)]


def measure_parts(files: Mapping[Key, Path], threads: int, runs: int) -> list[PartRow]:
    """The rows of each file.

    Args:
        files: of `TASK_PEERS`, with their layers' names.
        threads: of LiteRT.
        runs: inferences, of which an operation's least time counts.

    Raises:
        UserError: a file is not one partition.
    """
    from benchmarks.litert import Model

    rows = []
    for (name, _), path in files.items():
        peer = TASK_PEERS[name]
        partitions = Model(path, threads).partitions
        with tempfile.TemporaryDirectory() as folder:
            runs_of = dict.fromkeys(PARTS, 1) | {PARTS[-1]: runs}
            profiles = []
            for part, flatbuffer in cut(path.read_bytes()).items():
                file = Path(folder) / f"{part}.tflite"
                file.write_bytes(flatbuffer)
                profiles.append(profile(file, threads, runs_of[part]))
        for part, operations in zip(PARTS, split_run(profiles[-1], profiles[:-1]), strict=True):
            of_type: dict[str, list[Operation]] = {}
            for one in operations:
                of_type.setdefault(short_name(one.type), []).append(one)
            for operation, same in of_type.items():
                count, milliseconds = sum(one.count for one in same), sum(one.milliseconds for one in same)
                row = PartRow(
                    name, peer.label, peer.size, threads, partitions, part, operation, count, milliseconds
                )
                rows.append(row)
    return rows


def shares(rows: Sequence[PartRow]) -> dict[str, float]:
    """The share of each part in the time of one model's rows."""
    total = sum(row.milliseconds for row in rows)
    return {part: sum(row.milliseconds for row in rows if row.part == part) / total for part in PARTS}


def print_parts(rows: Sequence[PartRow], made: Mapping[str, str]) -> None:
    """A table for each model and number of threads: operations down, parts across."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 140)
    for name, threads in dict.fromkeys((row.model, row.threads) for row in rows):
        members = [row for row in rows if (row.model, row.threads) == (name, threads)]
        first = members[0]
        what = f"{first.label}, {first.size}×{first.size}, {threads} thread(s)"
        title = f"{what}, {first.partitions} partition(s): ms (operations)"
        table = Table(title=title, title_justify="left")
        table.add_column("operation")
        for column in (*PARTS, "all", "%"):
            table.add_column(column, justify="right")
        total = sum(row.milliseconds for row in members)
        by_operation: dict[str, list[PartRow]] = {}
        for row in members:
            by_operation.setdefault(row.operation, []).append(row)

        def cells(same: Sequence[PartRow], total: float = total) -> list[str]:
            sets: list[Sequence[PartRow]] = [[row for row in same if row.part == part] for part in PARTS]
            texts = [_cell(one) for one in (*sets, same)]
            return [*texts, f"{100 * sum(row.milliseconds for row in same) / total:.1f}"]

        for operation, same in sorted(
            by_operation.items(), key=lambda item: -sum(row.milliseconds for row in item[1])
        ):
            table.add_row(operation, *cells(same))
        table.add_row("all", *cells(members), style="bold")
        table.add_row("share, %", *(f"{100 * share:.1f}" for share in shares(members).values()), "", "")
        console.print(table)
    console.print("\n".join(f"{name}: {text}" for name, text in made.items()), style="dim", highlight=False)


def _cell(rows: Sequence[PartRow]) -> str:
    if not rows:
        return "–"
    return f"{sum(row.milliseconds for row in rows):.2f} ({sum(row.count for row in rows)})"


def as_profile(rows: Sequence[PartRow], made: Mapping[str, str]) -> dict[str, Any]:
    """Everything as plain data, for `--json`; `shares` of each model and number of threads, as they come."""
    groups: dict[tuple[str, int], list[PartRow]] = {}
    for row in rows:
        groups.setdefault((row.model, row.threads), []).append(row)
    return {
        **made,
        "operations": [dataclasses.asdict(row) for row in rows],
        "shares": [
            {"model": name, "threads": threads, **shares(members)}
            for (name, threads), members in groups.items()
        ],
    }

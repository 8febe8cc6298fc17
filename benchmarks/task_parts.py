"""Where a detector's or segmenter's time goes: by type of operation, and of backbone, neck and head.

Each file is cut behind its backbone and behind its neck (`file_parts.py`). A part's time is its file's, less that of
the file before it.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparison import Key
from benchmarks.file_parts import PARTS, cut
from benchmarks.task_peers import TASK_PEERS

Times = dict[str, tuple[int, float]]  # by type of operation: how many, and their milliseconds
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


def differences(files: Sequence[Times]) -> list[Times]:
    """Of each file what it has more than the one before it."""
    parts: list[Times] = []
    before: Times = {}
    for times in files:
        more = {}
        for operation, (count, milliseconds) in times.items():
            less, earlier = before.get(operation, (0, 0.0))
            if count != less:
                more[operation] = (count - less, milliseconds - earlier)
        parts.append(more)
        before = times
    return parts


def measure_parts(files: Mapping[Key, Path], threads: int, runs: int) -> list[PartRow]:
    """The rows of each file.

    Args:
        files: of `TASK_PEERS`, with their layers' names.
        threads: of LiteRT.
        runs: inferences of each part, of which an operation's least time counts.
    """
    from benchmarks.litert import Model
    from benchmarks.op_profile import profile

    rows = []
    for (name, _), path in files.items():
        peer = TASK_PEERS[name]
        partitions = Model(path, threads).partitions
        with tempfile.TemporaryDirectory() as folder:
            sums = []
            for part, flatbuffer in cut(path.read_bytes()).items():
                file = Path(folder) / f"{part}.tflite"
                file.write_bytes(flatbuffer)
                times: Times = collections.defaultdict(lambda: (0, 0.0))
                for one in profile(file, threads, runs):
                    count, milliseconds = times[short_name(one.type)]
                    times[short_name(one.type)] = (count + one.count, milliseconds + one.milliseconds)
                sums.append(dict(times))
        for part, more in zip(PARTS, differences(sums), strict=True):
            rows += [
                PartRow(name, peer.label, peer.size, threads, partitions, part, operation, *of_type)
                for operation, of_type in more.items()
            ]
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

"""The table of `benchmarks/latency.py --applications`: our int8 conversion beside TensorFlow's own."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.comparison import Key, paired_ratio

LABELS = {"tformer": "ours", "tensorflow": "TensorFlow's"}


@dataclasses.dataclass(frozen=True)
class ApplicationRow:
    """One file of the table. `ratio` is its median time over that of TensorFlow's file; None where that is missing."""

    model: str
    converter: str
    threads: int
    median: float  # milliseconds
    ratio: float | None
    bytes: int
    partitions: int  # XNNPACK's parts of the graph: 1 is best
    difference: float  # the largest, from Keras in float32, as a share of the outputs' range


def application_rows(
    samples: Mapping[Key, np.ndarray], describe: Callable[[Key], tuple[int, int, float]], threads: int
) -> list[ApplicationRow]:
    """A row for each (model, converter).

    Args:
        samples: milliseconds `(rounds, runs)` of each.
        describe: its bytes, partitions and difference.
    """
    rows = []
    for (model, converter), values in samples.items():
        theirs = samples.get((model, "tensorflow"))
        ratio = None if theirs is None else paired_ratio(values, theirs)
        described = describe((model, converter))
        rows.append(ApplicationRow(model, converter, threads, float(np.median(values)), ratio, *described))
    return rows


def print_application_rows(rows: Sequence[ApplicationRow], made: Mapping[str, str], platform: str) -> None:
    """A table for each number of threads."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 140)
    for threads in dict.fromkeys(row.threads for row in rows):
        title = f"keras.applications in int8, {platform}, {threads} thread(s)"
        table = Table(title=title, title_justify="left")
        for column in ("model", "converter", "kB", "parts", "ms", "× TensorFlow's", "largest difference"):
            table.add_column(column, justify="left" if column in ("model", "converter") else "right")
        for row in (row for row in rows if row.threads == threads):
            table.add_row(
                row.model,
                LABELS[row.converter],
                f"{row.bytes / 1000:,.0f}",
                str(row.partitions),
                f"{row.median:.2f}",
                "–" if row.ratio is None else f"{row.ratio:.2f}",
                f"{100 * row.difference:.1f} %",
                style="bold" if row.converter == "tformer" else None,
            )
        console.print(table)
    console.print("\n".join(f"{name}: {text}" for name, text in made.items()), style="dim", highlight=False)

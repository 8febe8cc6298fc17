"""A comparison on the terminal: a table for each platform and number of threads, and the goals."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.comparison import Reached, Row, as_document, write_results


def _columns(rows: Sequence[Row]) -> dict[str, Callable[[Row], str]]:
    """How each column's text is made. A count does not vary, so it has no spread."""
    spread: dict[str, Callable[[Row], str]] = {
        "p10 to p90": lambda row: f"{row.p10:.2f} to {row.p90:.2f}",
        "least": lambda row: f"{row.minimum:.2f}",
    }
    return {
        "model": lambda row: row.label,
        "kind": lambda row: row.kind,
        "kB": lambda row: f"{row.bytes / 1000:,.0f}",
        "parts": lambda row: "–" if row.partitions is None else str(row.partitions),
        rows[0].unit: lambda row: f"{row.median:.2f}",
        **(spread if rows[0].unit == "ms" else {}),
        "× TFormer-S": lambda row: "–" if row.ratio is None else f"{row.ratio:.2f}",
    }


def give_results(
    rows: Sequence[Row],
    goals: Sequence[Reached],
    made: Mapping[str, str],
    *,
    title: str,
    name: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Writes `name`.csv, .json and .png where there is an `out`, and prints JSON or tables."""
    if out:
        for path in write_results(out, name, rows, goals, made):
            print(path, file=sys.stderr)
    if as_json:
        print(json.dumps(as_document(rows, goals, made), indent=2, ensure_ascii=False))
    else:
        _print_tables(rows, goals, made, title)


def _print_tables(rows: Sequence[Row], goals: Sequence[Reached], made: Mapping[str, str], title: str) -> None:
    """The table of each number of threads, and the goals."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 140)
    for platform, threads in dict.fromkeys((row.platform, row.threads) for row in rows):
        members = [row for row in rows if (row.platform, row.threads) == (platform, threads)]
        table = Table(title=f"{title}, {platform}, {threads} thread(s)", title_justify="left")
        for column in _columns(members):
            table.add_column(column, justify="left" if column in ("model", "kind") else "right")
        for row in sorted(members, key=lambda row: row.median):
            ours = row.ratio == 1
            table.add_row(*(text(row) for text in _columns(members).values()), style="bold" if ours else None)
        console.print(table)
    if goals:
        table = Table(title="Goals", title_justify="left")
        for column in ("ratio", "platform", "threads", "measured", "to reach", ""):
            table.add_column(column, justify="left" if column in ("ratio", "platform", "") else "right")
        for goal in goals:
            limit = "–" if goal.limit is None else f"{'≤' if goal.at_most else '≥'} {goal.limit:.2f}"
            verdict = {None: "", True: "[green]reached[/]", False: "[red]not reached[/]"}[goal.reached]
            table.add_row(goal.label, goal.platform, str(goal.threads), f"{goal.ratio:.3f}", limit, verdict)
        console.print(table)
    console.print("\n".join(f"{name}: {text}" for name, text in made.items()), style="dim", highlight=False)

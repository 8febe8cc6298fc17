"""The paper's Tables 5, 6 and 7: parameters and multiply-accumulates of every model in them, counted from graphs that
are built here by the function that counts TFormer, beside what the paper prints."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence

from benchmarks.peers.counted_tables import TITLES, CountedRow, counted_rows

EPILOG = """examples:
  python -m benchmarks.peers                 all three tables
  python -m benchmarks.peers --table 5
  python -m benchmarks.peers --table 6 --json
Latency and instructions of the same models: python benchmarks/latency.py --paper 5,
python benchmarks/arm_instructions.py --paper 5
"""


def _print(table: int, rows: Sequence[CountedRow]) -> None:
    from rich.console import Console
    from rich.table import Table

    has_macs = any(row.paper_gmacs != "–" for row in rows)
    drawn = Table(title=TITLES[table], title_justify="left")
    drawn.add_column("model", no_wrap=True)
    for column in ("M param.", "paper", "GMACs", *(["paper"] if has_macs else [])):
        drawn.add_column(column, justify="right", no_wrap=True)
    drawn.add_column("as printed")
    for row in rows:
        ours = ("–", "–")
        if row.parameters is not None and row.macs is not None:
            ours = (f"{row.parameters / 1e6:.3f}", f"{row.macs / 1e9:.3f}")
        verdict = {True: "yes", False: "no", None: ""}[row.agrees]
        said = ": ".join(filter(None, (verdict, row.note)))
        paper = [row.paper_gmacs] if has_macs else []
        drawn.add_row(row.label, ours[0], row.paper_parameters, ours[1], *paper, said)
    Console(width=None if sys.stdout.isatty() else 140).print(drawn)


def main(arguments: Sequence[str] | None = None) -> int:
    """Counts and prints."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--table", type=int, choices=TITLES, help="default: all three")
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    args = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tables = [args.table] if args.table else list(TITLES)
    rows = {table: counted_rows(table) for table in tables}
    if args.json:
        listed = [dataclasses.asdict(row) for members in rows.values() for row in members]
        print(json.dumps({"rows": listed}, indent=2, ensure_ascii=False))
    else:
        for table, members in rows.items():
            _print(table, members)
        print(
            "Trainable parameters; multiply-accumulates of convolutions, dense layers and attention's products."
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

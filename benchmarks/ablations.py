"""The paper's Tables 2 and 3, small: each row as one small TFormer trained at an equal budget, and the paper's.

    taskset -c 0 nice -n 5 python -m benchmarks.ablations CIFAR10 --out runs/ablations

Rows that the paper lacks are trained beside them: no pooling at all, and a depthwise 3×3 convolution for the poolings.
A run that was stopped (Ctrl-C) goes on with the same command, and more --seeds add to what is there. An ordering of two
rows is decided where it exceeds the seeds' spread, as `ablation_statistics.py` has it. The table: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import rich.console

from benchmarks.ablation_picture import draw
from benchmarks.ablation_rows import ROWS
from benchmarks.ablation_runs import accuracies, chosen_images, sizes_of, train_row
from benchmarks.ablation_statistics import spread_of
from benchmarks.ablation_table import as_markdown
from benchmarks.provenance import provenance
from tformer_edge.command_line import guarded
from tformer_edge.errors import UserError
from tformer_edge.files import write_whole


def train_all(args: argparse.Namespace, console: rich.console.Console) -> dict[tuple[str, int], Any]:
    """The report of every row and seed: all rows of a seed before the next seed begins."""
    dataset = chosen_images(args.data, args.images, args.test_images)
    reports: dict[tuple[str, int], Any] = {}
    for seed in range(args.seeds):
        for name in args.only:
            out = args.out / f"{name}-seed{seed}"
            try:
                report = train_row(ROWS[name], seed, args.data, dataset, args.epochs, out, console)
            except KeyboardInterrupt:
                console.print(
                    f"stopped in {out}: the same command goes on there", markup=False, soft_wrap=True
                )
                raise
            reports[name, seed] = report
    return reports


def read_all(args: argparse.Namespace) -> dict[tuple[str, int], Any]:
    """The reports of runs that are finished."""
    reports = {}
    for seed in range(args.seeds):
        for name in args.only:
            path = args.out / f"{name}-seed{seed}" / "report.json"
            if path.is_file():
                reports[name, seed] = json.loads(path.read_text(encoding="utf-8"))
    return reports


def main() -> int:
    """Trains what is missing, prints the tables, writes them and the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="a folder of images as for `tformer train`, or digits")
    parser.add_argument("--out", type=Path, required=True, help="a folder, which may hold runs already")
    parser.add_argument("--images", type=int, default=25_000, help="for training (default: 25,000)")
    parser.add_argument("--test-images", type=int, default=10_000, help="default: 10,000")
    parser.add_argument("--epochs", type=int, default=4, help="passes over the images (default: 4)")
    parser.add_argument("--seeds", type=int, default=2, help="runs of each row (default: 2)")
    parser.add_argument(
        "--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help="some rows"
    )
    parser.add_argument("--no-train", action="store_true", help="print what is finished")
    args = parser.parse_args()
    for name in ("images", "test_images", "epochs", "seeds"):
        if getattr(args, name) < 1:
            raise UserError("at least 1", "less", "take more", where=f"--{name.replace('_', '-')}")
    console = rich.console.Console(stderr=True, width=None if sys.stderr.isatty() else 120)
    reports = read_all(args) if args.no_train else train_all(args, console)
    rows = [ROWS[name] for name in args.only]
    # A seed counts where all rows have it: what its batches did to one they did to all.
    seeds = [seed for seed in range(args.seeds) if all((row.name, seed) in reports for row in rows)]
    if not seeds:
        raise UserError(
            "all rows of one seed", f"{len(reports)} finished runs", "go on training, or take --only"
        )
    found = accuracies(rows, seeds, reports)
    spread = spread_of(found)
    text = as_markdown(rows, found, spread, sizes_of(rows))
    print(text)
    made = {"made": provenance(), "arguments": {name: str(value) for name, value in vars(args).items()}}
    write_whole(args.out / "ablations.md", (text + "\n").encode())
    write_whole(args.out / "ablations.json", (json.dumps(made | {"top1": found}, indent=1) + "\n").encode())
    write_whole(args.out / "ablations.png", draw(found, spread))
    return 0


if __name__ == "__main__":
    raise SystemExit(guarded("ablations", main))

"""Device time of the ablations' rows: their int8 files in LiteRT with XNNPACK, in turn in one process.

    taskset -c 0 python -m benchmarks.ablation_latency --no-amx

One thread is timed by its own CPU time, which leaves out what other processes take; two by the wall clock, which
needs two cores that are free. Ratios are to TFormer, taken within a round, and their median over the rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.ablation_files import FORMS, row_file
from benchmarks.ablation_rows import ROWS, TFORMER
from benchmarks.amx import has_amx, refuse_amx
from benchmarks.comparison import Key, Row, as_document, summarise
from benchmarks.latency import CLOCKS, measure, platform_name
from benchmarks.provenance import provenance, usable_cores
from tformer_edge.command_line import guarded
from tformer_edge.errors import UserError
from tformer_edge.files import write_whole


def timed(
    files: Mapping[Key, Path], threads: int, rounds: int, runs: int, ours: Key = (TFORMER.name, "int8")
) -> list[Row]:
    """A row of figures for each file, in milliseconds an inference."""
    from benchmarks.litert import Model

    models = {key: Model(path, threads) for key, path in files.items()}
    samples = measure(models, rounds, runs, CLOCKS["cpu" if threads == 1 else "wall"])

    def describe(key: Key) -> dict[str, Any]:
        model = models[key]
        return {"label": ROWS[key[0]].label, "bytes": model.bytes, "partitions": model.partitions}

    return summarise(samples, describe, platform=platform_name(), threads=threads, unit="ms", ours=ours)


def as_markdown(rows: Sequence[Row]) -> str:
    """One line a file; the columns of each number of threads beside each other."""
    counts = list(dict.fromkeys(row.threads for row in rows))
    heads = ["row", "bytes", "partitions"]
    for threads in counts:
        clock = "CPU" if threads == 1 else "wall"
        heads += [f"ms, {threads} thread{'s' * (threads > 1)} ({clock})", "×"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    for name in dict.fromkeys(row.model for row in rows):
        mine = [row for row in rows if row.model == name]
        cells = [mine[0].label, f"{mine[0].bytes:,}", str(mine[0].partitions)]
        for row in mine:
            cells += [f"{row.median:.3f}", "–" if row.ratio is None else f"{row.ratio:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Converts what is not in the cache, measures, prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--form", choices=FORMS, default=FORMS[0], help=f"default: {FORMS[0]}")
    parser.add_argument(
        "--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help="some rows"
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1], help="default: 1")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each file (default: 20)")
    parser.add_argument("--runs", type=int, default=3, help="timed inferences of a turn (default: 3)")
    parser.add_argument("--no-amx", action="store_true", help="without the matrix unit of Intel's servers")
    parser.add_argument("--json", type=Path, help="write all figures here")
    args = parser.parse_args()
    if min(args.rounds, args.runs, *args.threads) < 1:
        raise UserError(
            "numbers of at least 1", "less", "take others", where="--rounds, --runs and --threads"
        )
    if args.no_amx:
        refuse_amx()
    usable = len(usable_cores())
    if max(args.threads) > usable:
        print(f"{max(args.threads)} threads share {usable} core(s): that says little.", file=sys.stderr)
    files: dict[Key, Path] = {}
    for name in args.only:
        print(name, file=sys.stderr, flush=True)
        files[name, "int8"] = row_file(ROWS[name], args.form)
    rows = [row for threads in args.threads for row in timed(files, threads, args.rounds, args.runs)]
    print(as_markdown(rows))
    if args.json:
        amx = "none" if not has_amx() else "refused" if args.no_amx else "used"
        document = as_document(rows, [], provenance(form=args.form, amx=amx))
        write_whole(args.json, (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(guarded("ablation_latency", main))

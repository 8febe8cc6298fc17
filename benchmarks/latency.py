"""Latency of TFormer and its peers in LiteRT with XNNPACK: all of them in one process, in turn, round after round.

A turn is one inference that warms the caches and a few that are timed. Ratios are taken within a round and their
median over the rounds, so that a machine whose speed drifts treats all models alike. Models are made here, with random
weights, and kept in build/benchmarks until something that they are made of changes.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import json
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.amx import has_amx, refuse_amx
from benchmarks.application_rows import ApplicationRow, application_rows, print_application_rows
from benchmarks.busy import busy_cores
from benchmarks.comparison import Key, hold_against_goals, summarise
from benchmarks.peers import KINDS, add_model_arguments, chosen_files, label_of, names_of, ours_of
from benchmarks.provenance import provenance, usable_cores
from benchmarks.tables import give_results
from tformer_edge.errors import UserError

EPILOG = """examples:
  python benchmarks/latency.py                                  every model, one and two threads
  python benchmarks/latency.py --only tformer_s resnet18 --kinds int8 --threads 1
  python benchmarks/latency.py --profile tformer_s              time by operation inside XNNPACK
  python benchmarks/latency.py --files a.tflite b.tflite        any files, beside TFormer-S
  taskset -c 1 python benchmarks/latency.py --threads 1 --clock cpu    on a machine that others use too
  python benchmarks/latency.py --tasks --size 320 512           detectors and segmenters, and their answers
  python benchmarks/latency.py --tasks --profile --only detector_s    … of backbone, neck and head, by operation
  python benchmarks/latency.py --paper 5 --kinds int8           the models of the paper's Table 5, 6 or 7
  python benchmarks/latency.py --applications --threads 1       our conversion of keras.applications and TensorFlow's
  python benchmarks/latency.py --beside-work                    with a busy loop on each core
  python benchmarks/latency.py --no-amx                         as a PC computes, on a server that has AMX
"""
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.thread_time}


class Runs(Protocol):
    """What is measured."""

    def run(self) -> None:
        """One inference."""


def measure(
    models: Mapping[Key, Runs], rounds: int, runs: int, clock: Callable[[], float] = time.perf_counter
) -> dict[Key, np.ndarray]:
    """Milliseconds `(rounds, runs)` of each model. Each round takes the models in an order of its own."""
    order = list(models)
    samples = {key: np.empty((rounds, runs)) for key in order}
    random = np.random.default_rng(0)
    for turn in range(rounds):
        for index in random.permutation(len(order)):
            model = models[order[index]]
            model.run()
            for run in range(runs):
                begin = clock()
                model.run()
                samples[order[index]][turn, run] = 1e3 * (clock() - begin)
    return samples


def platform_name() -> str:
    """ "x86" on a PC, which the goals know; else what Python calls the machine."""
    return "x86" if platform.machine() in ("x86_64", "AMD64") else platform.machine()


def print_profiles(files: Mapping[Key, Path], threads: int, runs: int) -> None:
    """Where the time of each model goes, by type of operation."""
    from rich.console import Console
    from rich.table import Table

    from benchmarks.op_profile import Operation, profile

    for (name, kind), path in files.items():
        operations = profile(path, threads, runs)
        table = Table(title=f"{name}, {kind}, {threads} thread(s): time by operation", title_justify="left")
        table.add_column("operation")
        for column in ("count", "ms", "%"):
            table.add_column(column, justify="right")
        total = sum(operation.milliseconds for operation in operations) or 1.0
        by_type: dict[str, list[Operation]] = {}
        for operation in operations:
            by_type.setdefault(operation.type, []).append(operation)
        rows = {
            type_: (
                sum(operation.count for operation in same),
                sum(operation.milliseconds for operation in same),
            )
            for type_, same in by_type.items()
        }
        for type_, (count, time_) in sorted(rows.items(), key=lambda row: -row[1][1]):
            table.add_row(type_, str(count), f"{time_:.3f}", f"{100 * time_ / total:.1f}")
        count = sum(operation.count for operation in operations)
        table.add_row("all", str(count), f"{total:.3f}", "100.0", style="bold")
        Console(width=None if sys.stdout.isatty() else 140).print(table)


def main() -> int:
    """Runs the comparison and prints it."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model_arguments(parser, KINDS)
    parser.add_argument(
        "--applications",
        nargs="*",
        metavar="MODEL",
        help="instead: int8 of each family's smallest of keras.applications, or of these, ours beside TensorFlow's own",
    )
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2], help="default: 1 2")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each model (default 20)")
    parser.add_argument("--runs", type=int, default=5, help="timed inferences of a turn (default 5)")
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="wall",
        help="cpu leaves out what other processes take; one thread only",
    )
    parser.add_argument(
        "--no-amx", action="store_true", help="without the matrix unit of Intel's servers, which no PC has"
    )
    parser.add_argument(
        "--beside-work",
        action="store_true",
        help="with a busy loop on each core, as on a device that does more",
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="time by operation instead of the comparison; with --tasks of backbone, neck and head, also as --json",
    )
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write latency.csv, .json and .png there")
    args = parser.parse_args()
    try:
        with busy_cores() if args.beside_work else contextlib.nullcontext():
            return _run(args)
    except UserError as error:
        print(f"benchmarks/latency.py: {error}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    if args.no_amx:
        refuse_amx()
    from benchmarks.litert import Model
    from benchmarks.task_latency import measure_tasks

    if min(args.rounds, args.runs, *args.threads) < 1:
        raise UserError(
            "numbers of at least 1", "less", "take others", where="--rounds, --runs and --threads"
        )
    if args.clock == "cpu" and args.threads != [1]:
        raise UserError(
            "one thread, whose time alone it counts",
            f"{args.threads}",
            "add --threads 1",
            where="--clock cpu",
        )
    unit = "none" if not has_amx() else "refused" if args.no_amx else "used"
    beside = (
        f"a busy loop on each of {len(usable_cores())} core(s)" if args.beside_work else "nothing of ours"
    )
    made = provenance(clock=args.clock, amx=unit, beside=beside)
    if args.applications is not None:
        return _run_applications(args, made)
    files = chosen_files(names_of(args), args.kinds, args.files)
    if args.profile and args.tasks:
        return _run_parts(args, files, made)
    if args.profile:
        for threads in args.threads:
            print_profiles(files, threads, args.rounds)
        return 0
    usable = len(usable_cores())
    rows, goals = [], []
    for threads in args.threads:
        if threads > usable:
            print(f"{threads} threads share {usable} core(s): that column says little.", file=sys.stderr)
        if args.tasks:
            timed = functools.partial(measure, rounds=args.rounds, runs=args.runs, clock=CLOCKS[args.clock])
            rows += measure_tasks(files, threads, timed, platform_name())
            continue
        models = {key: Model(path, threads) for key, path in files.items()}
        samples = measure(models, args.rounds, args.runs, CLOCKS[args.clock])

        def describe(key: Key, models: Mapping[Key, Model] = models) -> dict[str, Any]:
            return {
                "label": label_of(key[0]),
                "bytes": models[key].bytes,
                "partitions": models[key].partitions,
            }

        where = platform_name()
        rows += summarise(samples, describe, platform=where, threads=threads, unit="ms", ours=ours_of(args))
        goals += hold_against_goals(samples, platform=where, threads=threads)
    give_results(rows, goals, made, title="Latency", name="latency", out=args.out, as_json=args.json)
    return 0


def _run_parts(args: argparse.Namespace, files: Mapping[Key, Path], made: Mapping[str, str]) -> int:
    from benchmarks.task_parts import as_profile, measure_parts, print_parts

    rows = [row for threads in args.threads for row in measure_parts(files, threads, args.rounds)]
    if args.json:
        print(json.dumps(as_profile(rows, made), indent=2, ensure_ascii=False))
    else:
        print_parts(rows, made)
    return 0


def _run_applications(args: argparse.Namespace, made: Mapping[str, str]) -> int:
    from benchmarks.applications import chosen
    from benchmarks.litert import Model

    files = chosen(args.applications)
    rows: list[ApplicationRow] = []
    for threads in args.threads:
        models = {key: Model(converted.path, threads) for key, converted in files.items()}
        samples = measure(models, args.rounds, args.runs, CLOCKS[args.clock])

        def describe(key: Key, models: Mapping[Key, Model] = models) -> tuple[int, int, float]:
            return models[key].bytes, models[key].partitions, files[key].difference

        rows += application_rows(samples, describe, threads)
    if args.json:
        print(json.dumps({**made, "results": [dataclasses.asdict(row) for row in rows]}, indent=2))
    else:
        print_application_rows(rows, made, platform_name())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

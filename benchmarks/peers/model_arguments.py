"""Which models a command compares: its options, and the files that they name."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.comparison import OURS, Key
from benchmarks.peers.latency_peers import PEERS
from benchmarks.peers.model_cache import kinds_of, model_file
from benchmarks.peers.paper_tables import PAPER_PEERS, PAPER_TABLES, ours_of_paper, paper_names
from benchmarks.peers.peer import KINDS
from benchmarks.task_peers import BASES, SIZES, TASK_PEERS, sized_name
from tformer_edge.errors import UserError


def add_model_arguments(parser: argparse.ArgumentParser, kinds: Sequence[str]) -> None:
    """Which models a command compares; `kinds` of files without --kinds."""
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="MODEL",
        help=f"of: {', '.join(PEERS)}; with --tasks of: {', '.join(BASES)}; with --paper of: "
        + ", ".join(PAPER_PEERS),
    )
    parser.add_argument(
        "--paper",
        type=int,
        choices=PAPER_TABLES,
        help="in their place the models of this table of the paper: classifiers at 224×224, RetinaNet at 320×320, "
        "Semantic FPN at 256×256",
    )
    parser.add_argument(
        "--tasks",
        action="store_true",
        help="detectors and segmenters (int8), and their answers, in place of classifiers",
    )
    parser.add_argument(
        "--size",
        nargs="+",
        type=int,
        choices=SIZES,
        help="with --tasks: heights and widths (default: detectors 320, segmenters 256)",
    )
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, default=list(kinds), help=f"default: {' '.join(kinds)}"
    )
    parser.add_argument(
        "--files", nargs="+", default=[], metavar="FILE", help="other .tflite files to compare"
    )


def label_of(name: str) -> str:
    """What people call a model of any table, or another file."""
    table: dict[str, Any] = {**PEERS, **TASK_PEERS, **PAPER_PEERS}
    return str(table[name].label) if name in table else Path(name).name


def names_of(args: argparse.Namespace) -> list[str] | None:
    """What a command's --only, --tasks and --paper name; None for what `chosen_files` takes by itself.

    Raises:
        UserError: for a name that is not in the table, --files beside --tasks or --paper, both of these, or --size
            without --tasks.
    """
    table: Sequence[str] = list(BASES if args.tasks else PEERS)
    if args.size and not args.tasks:
        raise UserError("--tasks with it", "no --tasks", "add it", where="--size")
    if args.tasks and args.paper:
        raise UserError("one of --tasks and --paper", "both", "leave one out")
    if args.paper:
        table = paper_names(args.paper)
    whole = args.tasks or args.paper is not None
    if whole and args.files:
        where = "--tasks" if args.tasks else "--paper"
        raise UserError("models of the table", "--files", "leave it out", where=where)
    if unknown := [name for name in args.only or () if name not in table]:
        raise UserError(f"some of {', '.join(table)}", ", ".join(unknown), "take others", where="--only")
    names = list(table) if whole and args.only is None else args.only
    if args.tasks:
        names = [sized_name(name, size) for size in args.size or (None,) for name in names]
    return names


def ours_of(args: argparse.Namespace) -> Key:
    """What the ratios of a command's table are to: TFormer-S in int8, of the paper's table where that was asked for."""
    return (ours_of_paper(args.paper), "int8") if args.paper else OURS


def chosen_files(
    only: Sequence[str] | None, kinds: Sequence[str], files: Sequence[str]
) -> dict[tuple[str, str], Path]:
    """The paths of what a command compares; converts what is not in the cache.

    Args:
        only: names of the table; None for all, or for TFormer-S alone where there are files.
        kinds: of `KINDS`.
        files: other .tflite files, of kind "file".

    Raises:
        UserError: for a path that is no file, or a conversion that failed.
    """
    names = only if only is not None else ["tformer_s"] if files else list(PEERS)
    paths: dict[tuple[str, str], Path] = {}
    for name in names:
        for kind in kinds:
            if kind in kinds_of(name):
                print(f"{name} {kind}", file=sys.stderr, flush=True)
                paths[name, kind] = model_file(name, kind)
    for file in files:
        if not Path(file).is_file():
            raise UserError(".tflite files", f"{file!r}, which is none", "give others", where="--files")
        paths[file, "file"] = Path(file)
    return paths

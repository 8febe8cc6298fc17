"""Brings a store of models to the newest signed release for this device; the model in use is never at risk.

Exit code 0 where the store is up to date, was brought there, or waits for its turn in a rollout; 1 where the update
failed, with the state that names why.
"""

import argparse
import contextlib
import dataclasses
import json
import random
import re
import sys
import time
from pathlib import Path

from tformer_edge.byte_count import byte_count
from tformer_edge.errors import UserError
from tformer_edge.files import read_regular
from tformer_edge.printable import printable
from tformer_edge.update.client import UpdateReport, update
from tformer_edge.update.model_store import ModelStore
from tformer_edge.update.outcome_reports import report_outcomes
from tformer_edge.update.recovery import rebuild
from tformer_edge.update.state_file import read_state
from tformer_edge.update.update_state import UpdateFailure, UpdateState

EPILOG = """examples:
  tformer-edge update https://models.example.org/ --root root.json
  tformer-edge update https://models.example.org/ --every 24h
  tformer-edge update https://models.example.org/ --every 24h --report"""
DEFAULT_STORE = "models"
GOOD = {UpdateState.UPDATED, UpdateState.UP_TO_DATE, UpdateState.NOT_IN_ROLLOUT}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("url", help="the repository's folder, http or https")
    parser.add_argument("--store", default=DEFAULT_STORE, help="the folder of the models (default: models)")
    parser.add_argument("--root", help="the publisher's root.json, which is trusted; needed once")
    parser.add_argument(
        "--every", help="go on for ever, at this interval, spread by chance: 90s, 15m, 24h, 7d"
    )
    parser.add_argument(
        "--no-trial",
        action="store_true",
        help="for programs that never confirm: the self-test confirms a release",
    )
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        help="most memory that a release may demand: 256MB, 64MiB (default: what this machine has)",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="tell the server's log which releases work or failed here, not who says so (docs/updates.md)",
    )
    parser.add_argument(
        "--floor", type=int, help="for a store whose memory is lost: the lowest release that may be installed"
    )


def run(args: argparse.Namespace) -> int:
    every = None if args.every is None else interval(args.every)
    memory = None if args.memory is None else byte_count(args.memory, "--memory")
    root = None
    if args.root is not None:
        try:
            root = read_regular(Path(args.root))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UserError(
                "a root.json", f"{args.root}: {reason}", "give its path", where="--root"
            ) from None
    store = ModelStore(args.store)
    if args.floor is not None:
        _rebuild(store, args.floor)
    while True:
        report = update(store, args.url, root, trial=not args.no_trial, memory=memory)
        if args.report:
            # How the update ended is what counts.
            with contextlib.suppress(OSError, UserError, UpdateFailure):
                report_outcomes(store, args.url)
        _show(report, args.json)
        if every is None:
            return 0 if report.state in GOOD else 1
        time.sleep(every * random.uniform(0.9, 1.1))


def interval(text: str) -> float:
    """Seconds of a text such as 24h. Raises UserError for another form, and for less than 10 seconds."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if seconds < 10:
        raise UserError(
            "an interval of 10s or more, as 90s, 15m, 24h or 7d", text, "give one", where="--every"
        )
    return seconds


def _rebuild(store: ModelStore, floor: int) -> None:
    with store.updating(), store.locked():
        try:
            read_state(store.folder)
        except UpdateFailure:
            rebuild(store.folder, floor)
            return
    raise UserError(
        "a store whose memory is lost", f"{store.folder}, which is whole", "leave it out", where="--floor"
    )


def _show(report: UpdateReport, as_json: bool) -> None:
    traffic = dataclasses.asdict(report.traffic)
    if as_json:
        found = {
            "state": report.state,
            "release": report.release,
            "bytes": traffic,
            "clock_trusted": report.fresh,
            "sentence": report.sentence,
        }
        print(json.dumps(found), flush=True)
    people = sys.stderr if as_json else sys.stdout
    text = f"{report.state}: release {report.release or 'none'}; " + ", ".join(
        f"{count:,} bytes of {kind}" for kind, count in traffic.items() if count
    )
    print(text.rstrip("; "), file=people, flush=True)
    if report.sentence:
        print(printable(report.sentence), file=people, flush=True)
    if not report.fresh:
        print(
            "the clock is behind a time that was seen before: nobody can tell how fresh this is",
            file=people,
            flush=True,
        )

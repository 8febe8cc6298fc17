"""A fleet on loopback: nginx serves a repository, simulated devices follow its releases, and one bad release is halted.

    python -m benchmarks.fleet MODEL.tflite --devices 1000 --json fleet.json

Each device has a store and runs `tformer_edge.update` as it is, a few processes for all; signatures, hashes, deltas,
slots and trials are real for each. The self-test runs once per release in a process of its own, and its result is given
to every device: else one machine would start thousands of processes that compute the same. A fifth of the devices is
in trouble: offline now and then, killed during a download, or with a wrong clock. docs/updates.md says more.
"""

import argparse
import hashlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from securesystemslib.signer import CryptoSigner

from benchmarks.fleet_devices import Seen, Visit, Wave, visit_all, working
from benchmarks.fleet_figures import Costs, times
from benchmarks.fleet_models import moved
from benchmarks.fleet_server import Nginx
from tformer_edge.command_line import guarded
from tformer_edge.errors import Failure, UserError
from tformer_edge.files import write_whole
from tformer_edge.update.model_check import check_model
from tformer_edge.update.update_state import UpdateState
from tformer_publish.outcome_log import Outcomes, check_growth, read_logs
from tformer_publish.releases import promote, release, rollback
from tformer_publish.repository import Repository

TROUBLES = {"offline": 0.07, "killed": 0.06, "clock of 1970": 0.04, "clock a year ahead": 0.03}
LAST = 5  # of the releases that `play` publishes
CLOCK_DAYS = {"clock of 1970": -20000.0, "clock a year ahead": 365.0}


class Fleet:
    """The repository, its server and the devices; `wave` lets every device look for an update once."""

    def __init__(self, folder: Path, devices: int, seed: int, processes: int) -> None:
        new = CryptoSigner.generate_ed25519
        self.keys = {role: [new()] for role in ("root", "targets", "snapshot", "timestamp")}
        self.repository = Repository(folder / "site")
        self.repository.create(self.keys, 1)
        self.server = Nginx(folder / "site", folder)
        self.root = (folder / "site" / "metadata" / "1.root.json").read_bytes()
        self.random = np.random.default_rng(seed)
        names, shares = list(TROUBLES), list(TROUBLES.values())
        self.troubles = self.random.choice(["none", *names], devices, p=[1 - sum(shares), *shares])
        self.folders = [str(folder / "devices" / str(number)) for number in range(devices)]
        self.tested: dict[str, str] = {}
        self.bad: frozenset[str] = frozenset()
        self.waves: list[dict[str, Any]] = []
        self.seen: list[Seen] = []
        self.idle_from = 0  # where in the server's log the last wave, with nothing new, begins
        # Not by fork: nothing of this process's threads may be in theirs.
        self.pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
        self.processes = processes

    def release(self, data: bytes, rollout: int) -> None:
        check_model(data)  # once for all devices
        self.tested[hashlib.sha256(data).hexdigest()] = ""
        release(self.repository, data, self.keys, rollout=rollout, check=lambda data: None)
        self.allow_reading()

    def promote(self, number: int, rollout: int) -> None:
        promote(self.repository, number, rollout, self.keys)
        self.allow_reading()

    def grow(self, number: int, rollout: int) -> None:
        """As `tformer publish promote --log`. Raises Failure where what devices report does not let it grow."""
        found = read_logs([self.server.log]).get(number, Outcomes())
        check_growth(number, found, most_failures=2.0, least_reports=len(self.folders) // 50)
        self.promote(number, rollout)

    def rollback(self, number: int) -> None:
        rollback(self.repository, number, self.keys)
        self.allow_reading()

    def allow_reading(self) -> None:
        """nginx's worker may be another user than the one who wrote the files."""
        for path in self.repository.folder.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)

    def wave(self, name: str, *, trouble: bool = True) -> Counter[str]:
        visits = []
        for folder, kind in zip(self.folders, self.troubles, strict=True):
            if trouble and kind == "offline" and self.random.random() < 0.5:
                continue
            clock = CLOCK_DAYS.get(str(kind), 0.0) if trouble else 0.0
            visits.append(Visit(folder, clock, trouble and kind == "killed"))
        shared = Wave(self.server.url, self.root, self.tested, self.bad)
        shares = [visits[first :: 4 * self.processes] for first in range(4 * self.processes)]
        seen: list[Seen] = []
        for part in self.pool.map(visit_all, [shared] * len(shares), shares):
            seen += part
        states = Counter(one.state for one in seen)
        self.seen += seen
        self.waves.append({"wave": name, "devices": len(seen), "states": dict(states)})
        print(
            f"{name}: {len(seen)} devices, " + ", ".join(f"{n} {s}" for s, n in sorted(states.items())),
            flush=True,
        )
        return states

    def close(self) -> None:
        self.pool.shutdown()
        self.server.stop()


def play(fleet: Fleet, model: bytes) -> None:
    """Three good releases, the last two from 10 to 100 %; between them a bad one, halted and rolled back."""
    second, bad, last = (moved(model, seed) for seed in (1, 2, 3))
    fleet.release(model, 100)
    fleet.wave("release 1, first contact", trouble=False)
    _roll_out(fleet, 2, second)
    fleet.bad = frozenset({hashlib.sha256(bad).hexdigest()})
    fleet.release(bad, 10)
    states = fleet.wave("release 3, whose program dies, at 10 %")
    if states[UpdateState.UPDATED]:
        try:
            fleet.grow(3, 50)
        except Failure as failure:
            print(failure, flush=True)
        else:
            raise Failure(
                "expected devices' reports to stop release 3, received none that do; please open an issue"
            )
    fleet.promote(3, 0)
    fleet.wave("release 3 halted")
    fleet.rollback(2)
    fleet.wave("release 4, a rollback to release 2's bytes")
    _roll_out(fleet, 5, last)
    fleet.wave("clocks are right and all are there", trouble=False)
    fleet.idle_from = len(fleet.server.answered())
    fleet.wave("a poll with nothing new", trouble=False)


def _roll_out(fleet: Fleet, number: int, data: bytes) -> None:
    """To 10, 50 and 100 % of devices, as far as they report that it works."""
    fleet.release(data, 10)
    fleet.wave(f"release {number} at 10 %")
    for rollout in (50, 100):
        fleet.grow(number, rollout)
        fleet.wave(f"release {number} at {rollout} %")


def ended(fleet: Fleet) -> dict[str, int]:
    """{release: devices that answer with it}. Raises Failure where a state has no name or a device not the last."""
    named = {str(state) for state in UpdateState}
    found = {state for wave in fleet.waves for state in wave["states"]}
    if not found <= named:
        raise Failure(f"expected named states, received {sorted(found - named)}; please open an issue")
    answering = Counter(working(folder) for folder in fleet.folders)
    if set(answering) != {LAST}:
        received = ", ".join(f"{count} on {number}" for number, count in sorted(answering.items()))
        raise Failure(f"expected every device on release {LAST}, received {received}; please open an issue")
    return {str(number): count for number, count in sorted(answering.items())}


def run(args: argparse.Namespace) -> int:
    try:
        model = Path(args.model).read_bytes()
    except OSError as error:
        raise UserError(
            "a model file", f"{args.model}: {(error.strerror or '').lower()}", "give its path"
        ) from None
    for name, least in (("devices", 1), ("processes", 1), ("poll_hours", 1), ("places", 1)):
        if getattr(args, name) < least:
            option = "--" + name.replace("_", "-")
            raise UserError(f"{least} or more", str(getattr(args, name)), "give more", where=option)
    with tempfile.TemporaryDirectory(prefix="fleet-", dir=args.work) as made:
        folder = Path(made)
        folder.chmod(0o755)
        fleet = Fleet(folder, args.devices, args.seed, args.processes)
        try:
            play(fleet, model)
            cpu, answering = fleet.server.cpu_seconds(), ended(fleet)
        finally:
            fleet.close()
        answered = fleet.server.answered()
        costs = Costs(args.devices, answered, answered[fleet.idle_from :], fleet.waves[-1]["devices"], cpu)
        targets = sum(path.stat().st_size for path in (folder / "site" / "targets").iterdir())
    found = {
        **costs.traffic(),
        **times(fleet.seen),
        "million": costs.million(args.poll_hours),
        "million_behind_a_cdn": costs.behind_cdn(args.poll_hours, args.places, targets / LAST),
        "self_test": "once a release, its result given to every device",
        "waves": fleet.waves,
        "seed": args.seed,
        "file_bytes": len(model),
        "answering_release": answering,
    }
    if args.json:
        write_whole(Path(args.json), (json.dumps(found, indent=1) + "\n").encode())
    for name, value in found.items():
        if name != "waves":
            print(f"{name}: {json.dumps(value) if isinstance(value, dict) else value}")
    return 0


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("model", help="a converted int8 model, the first release")
    made.add_argument("--devices", type=int, default=1000)
    made.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--poll-hours", type=float, default=24, help="of the million devices on paper")
    made.add_argument("--places", type=int, default=100, help="of the CDN on paper that keep copies")
    made.add_argument("--work", help="where the devices' folders lie while it runs: 2 model files each")
    made.add_argument("--json", help="write the figures there too")
    return made


def main(argv: list[str] | None = None) -> int:
    """Runs the fleet; exit code 2 with one sentence where nginx is not installed."""
    args = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # nginx and the folders go with it
    return guarded("fleet", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())

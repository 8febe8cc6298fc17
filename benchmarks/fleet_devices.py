"""Simulated devices: each has a store of its own and runs `tformer_edge.update` as it is, many in one process."""

import contextlib
import datetime
import hashlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from tformer_edge.update import client
from tformer_edge.update.client import update
from tformer_edge.update.download import Patience
from tformer_edge.update.model_check import check_model
from tformer_edge.update.model_store import MAX_TRIALS, ModelStore
from tformer_edge.update.outcome_reports import report_outcomes
from tformer_edge.update.update_state import UpdateFailure, UpdateState

PATIENCE = Patience(attempts=3, socket_seconds=60, deadline=600, pause=0.05)
DAY = 86400.0


@dataclass(frozen=True)
class Visit:
    """What one device is to do in a wave.

    Attributes:
        clock: days by which its clock is wrong.
        killed: whether it is killed during its first download and then starts again.
    """

    folder: str
    clock: float = 0.0
    killed: bool = False


@dataclass(frozen=True)
class Seen:
    """How it ended; `seconds` and `cpu_seconds` of the update alone, `interrupted`: whether the kill met a download."""

    state: str
    release: int
    seconds: float
    cpu_seconds: float
    interrupted: bool = False


@dataclass(frozen=True)
class Wave:
    """What all devices of a wave share.

    Attributes:
        tested: {SHA-256 of a file: "" where it passed its self-test, else why not}. A device whose file is
            here takes that result in place of a process of its own; all else is real for each.
        bad: SHA-256 of files with which the program never confirms, so that the trial takes them back.
    """

    url: str
    root: bytes
    tested: dict[str, str]
    bad: frozenset[str] = frozenset()


def visit_all(wave: Wave, visits: list[Visit]) -> list[Seen]:
    """The devices, one after the other, in this process."""
    return [_visit(wave, one) for one in visits]


def _visit(wave: Wave, visit: Visit) -> Seen:
    store = ModelStore(visit.folder)

    def check(data: bytes) -> None:
        known = wave.tested.get(hashlib.sha256(data).hexdigest())
        if known is None:
            check_model(data)
        elif known:
            raise UpdateFailure(UpdateState.SELFTEST_FAILED, known)

    with _clock(visit.clock):
        options: dict[str, Any] = {"patience": PATIENCE, "check": check}
        interrupted = visit.killed and _killed(store, wave, options)
        begun, cpu = time.perf_counter(), time.process_time()
        report = update(store, wave.url, wave.root, **options)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    state = store.state()
    if state.trial >= 0:
        _program(store, confirms=state.slots[state.active].sha256 not in wave.bad)
    report_outcomes(store, wave.url)
    return Seen(str(report.state), report.release, seconds, cpu, interrupted)


def _program(store: ModelStore, confirms: bool) -> None:
    """The program that uses the model: it confirms, or dies each time before it could."""
    for _ in range(1 if confirms else MAX_TRIALS + 1):
        store.open(threads=1).close()
    if confirms:
        store.confirm()


def working(folder: str) -> int:
    """The release with which a device answers now. Raises UpdateFailure or AssertionError where none does."""
    store = ModelStore(folder)
    state = store.state()
    if store.bytes_of(state, state.active) is None:
        raise AssertionError(f"{folder}: the active slot is damaged")
    return state.slots[state.active].release


def _killed(store: ModelStore, wave: Wave, options: dict[str, Any]) -> bool:
    """A copy of this process that is killed by SIGKILL when the first piece of a release is on its disk."""
    pid = os.fork()
    if pid == 0:
        real = client.download

        def cut(url: str, path: Path, length: int, patience: Patience, on_bytes: Any) -> None:
            def die(count: int) -> None:
                os.kill(os.getpid(), signal.SIGKILL)

            real(url, path, length, patience, die)

        try:
            with mock.patch.object(client, "download", cut):
                update(store, wave.url, wave.root, **options)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


@contextlib.contextmanager
def _clock(days: float) -> Iterator[None]:
    """Moves the clock that the update and python-tuf read."""
    if not days:
        yield
        return
    from tuf.ngclient._internal import trusted_metadata_set

    real = time.time

    class Moved(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Moved":
            return cls.fromtimestamp(real() + days * DAY, tz)

    with (
        mock.patch.object(time, "time", lambda: real() + days * DAY),
        mock.patch.object(trusted_metadata_set.datetime, "datetime", Moved),
    ):
        yield

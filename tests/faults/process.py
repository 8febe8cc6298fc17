"""Runs a command as people do, in a process of its own, with a fault; and judges how it ended."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tformer_edge.memory import peak_bytes

ROOT = Path(__file__).parents[2]
# A safety net far above what any command takes on a busy machine; a hang is what it is for.
SECONDS = 600
# What opens the keys that `tformer publish init` makes for these tests.
KEYS = {"TFORMER_PASSPHRASE": "a passphrase of the tests"}
# More than any of these commands needs (TensorFlow alone reserves some); a bomb takes more.
MAX_BYTES = 3 << 30
# Program → module of its `main`.
MODULES = {"tformer": "tformer_cli.main", "tformer-edge": "tformer_edge.cli"}


def environment(**more: str) -> dict[str, str]:
    """This process's own, with this checkout first, and one thread a pool."""
    base = {name: value for name, value in os.environ.items() if name not in ("KERAS_BACKEND", "KERAS_HOME")}
    return {**base, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", **KEYS, **more}


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    Attributes:
        environment: variables to set; None unsets one.
        patch: Python that runs in the process before the command.
        stdout, stdin: a path to open instead of a pipe, or "closed".
        file_bytes: the most that a file may have (RLIMIT_FSIZE), as where a disk is full.
        codes: exit codes that are right.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    patch: str = ""
    stdout: str = ""
    stdin: str = ""
    file_bytes: int | None = None
    codes: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class Ended:
    """How a command ended: `code` is negative for a signal; `peak` is the most memory that was resident, in bytes."""

    code: int
    out: str
    err: str
    peak: int
    seconds: float


def run(command: Sequence[str], fault: Fault = Fault(), cwd: Path = ROOT) -> Ended:
    """Runs ["tformer" | "tformer-edge", arguments …] with a fault."""
    lines = [fault.patch, "import sys", f"from {MODULES[command[0]]} import main"]
    code = "\n".join([*lines, f"sys.argv[0] = {command[0]!r}", "sys.exit(main())"])
    started, peak = time.monotonic(), 0
    with contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(Path(path).open(mode)) if path not in ("", "closed") else None
            for path, mode in ((fault.stdin, "rb"), (fault.stdout, "wb"))
        ]
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, command[1:])],
            cwd=cwd,
            env=environment(**fault.environment),
            stdin=streams[0] or subprocess.DEVNULL,
            stdout=streams[1] or subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=_before(fault),
        )
        while True:
            peak = max(peak, peak_bytes(process.pid) or 0)
            try:
                out, err = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() - started > SECONDS:
                    process.kill()
    return Ended(
        process.returncode,
        (out or b"").decode(errors="replace"),
        err.decode(errors="replace"),
        peak,
        time.monotonic() - started,
    )


def _before(fault: Fault) -> Callable[[], None]:
    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if fault.file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (fault.file_bytes, fault.file_bytes))
        for name, descriptor in ((fault.stdin, 0), (fault.stdout, 1)):
            if name == "closed":
                os.close(descriptor)

    return prepare


def wrong_with(ended: Ended, fault: Fault, folder: Path, before: set[Path], as_json: bool) -> str | None:
    """What a command did that none may do, whatever the fault; None where all is well.

    Args:
        ended, fault: what happened.
        folder: where the command could write.
        before: the files that were there.
        as_json: whether it was asked for JSON.
    """
    if ended.code not in fault.codes:
        return f"ended with {ended.code}: {ended.err[-300:]!r}"
    if "Traceback" in ended.err or "Traceback" in ended.out:
        return f"a traceback: {ended.err[-300:]!r}"
    if "this should not have happened" in ended.err:
        return f"not foreseen: {ended.err[-300:]!r}"
    if ended.code and not ended.err.strip():
        return f"ended with {ended.code} and no word"
    if ended.peak > MAX_BYTES:
        return f"took {ended.peak >> 20} MB of memory"
    strays = [path.name for path in folder.rglob(".unfinished-*") if path not in before]
    if strays:
        return f"left {strays} behind"
    if as_json and ended.out.strip():
        try:
            for line in ended.out.splitlines():
                json.loads(line)
        except ValueError:
            return f"no JSON: {ended.out[-200:]!r}"
    return None

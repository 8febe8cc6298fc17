"""Runs a command in a copy of a process that has imported Keras and TensorFlow already: ten seconds less a run.

For faults of files alone. What changes the environment, the streams or the interpreter needs a process of its own.
"""

import contextlib
import importlib
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.process import MODULES, ROOT, SECONDS, Ended, Fault, environment
from tformer_edge.memory import peak_bytes

_CONTEXT = multiprocessing.get_context("forkserver")
# Imported before the copies are made. Nothing is computed there: threads would not be copied.
PRELOADED = ("numpy", "PIL.Image", "h5py", "tensorflow", "keras", "tf_keras", __name__)


def start() -> None:
    """Says what the process that is copied imports; the first run starts it."""
    os.environ.update(environment(KERAS_BACKEND="tensorflow"))
    _CONTEXT.set_forkserver_preload(list(PRELOADED))


def can_fork(fault: Fault) -> bool:
    """Whether a fault is one of files alone."""
    return fault == Fault(codes=fault.codes, file_bytes=fault.file_bytes)


def run_forked(command: Sequence[str], fault: Fault) -> Ended:
    """As `process.run` does."""
    if not can_fork(fault):
        raise ValueError("expected a fault of files alone")
    started, peak = time.monotonic(), 0
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        # No files: where a disk is full, a pipe is not.
        streams = [stack.enter_context(_Stream(Path(name, stream))) for stream in ("out", "err")]
        paths = [str(stream.path) for stream in streams]
        process = _CONTEXT.Process(target=_child, args=([*map(str, command)], fault.file_bytes, *paths))
        process.start()
        while process.exitcode is None:
            peak = max(peak, peak_bytes(process.pid) or 0)
            process.join(0.2)
            if time.monotonic() - started > SECONDS:
                process.kill()
        return Ended(
            process.exitcode, *(stream.text() for stream in streams), peak, time.monotonic() - started
        )


class _Stream:
    """A named pipe and all that comes through it."""

    def __init__(self, path: Path) -> None:
        self.path, self._parts = path, []
        os.mkfifo(path)
        self._read = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        # As long as this end is open, nobody's end is the last.
        self._write = os.open(path, os.O_WRONLY)
        os.set_blocking(self._read, True)
        self._thread = threading.Thread(target=self._collect)

    def _collect(self) -> None:
        while part := os.read(self._read, 1 << 16):
            self._parts.append(part)

    def __enter__(self) -> "_Stream":
        self._thread.start()
        return self

    def text(self) -> str:
        """What came, once the process has ended."""
        if self._write >= 0:
            os.close(self._write)
            self._write = -1
        self._thread.join()
        return b"".join(self._parts).decode(errors="replace")

    def __exit__(self, *error: object) -> None:
        self.text()
        os.close(self._read)


def _child(command: list[str], file_bytes: int | None, out: str, err: str) -> None:
    os.chdir(ROOT)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, out, os.O_WRONLY),
        (2, err, os.O_WRONLY),
    ):
        os.dup2(os.open(path, flags), descriptor)
    # The copied ones remember whether what they were opened on could be sought.
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(descriptor, mode, closefd=False) for descriptor, mode in enumerate(("r", "w", "w"))
    )
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    main = importlib.import_module(MODULES[command[0]]).main
    sys.argv = command
    sys.exit(main())

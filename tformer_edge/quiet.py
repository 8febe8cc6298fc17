"""LiteRT announces delegates on standard error, from C++: those lines are kept away from users."""

import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator

from tformer_edge.forked import forget_when_forked


class _Silence:
    """File descriptor 2 is the process's, not a thread's: the first to enter sends it away, the last brings it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._back = contextlib.ExitStack()
        forget_when_forked(self)

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._back = contextlib.ExitStack()
                self._back.enter_context(_without_standard_error())
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._back.close()

    def forget(self) -> None:
        """A copy that was forked while other threads were inside has none of them: its standard error comes back."""
        self._lock = threading.Lock()
        if self._inside:
            self._inside = 0
            self._back.close()


@contextlib.contextmanager
def _without_standard_error() -> Iterator[None]:
    try:
        sys.stderr.flush()
        saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    # A program without a standard error has nothing to keep quiet.
    except (OSError, AttributeError, ValueError):
        yield
        return
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


_SILENCE = _Silence()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends file descriptor 2 and Python's warnings away; errors are raised, so nothing that matters is lost.

    Several threads may be inside at once.
    """
    _SILENCE.enter()
    try:
        yield
    finally:
        _SILENCE.leave()

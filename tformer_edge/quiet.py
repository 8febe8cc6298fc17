"""LiteRT announces delegates on standard error, from C++: those lines are kept away from users."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends file descriptor 2 and Python's warnings away; errors are raised, so nothing that matters is lost."""
    try:
        sys.stderr.flush()
        saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except (
        OSError,
        AttributeError,
        ValueError,
    ):  # a program without a standard error has nothing to keep quiet
        yield
        return
    os.dup2(nowhere, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)

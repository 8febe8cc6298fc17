"""How every command ends: a result, one sentence, or a short report; never a traceback on the screen."""

import contextlib
import errno
import io
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable

from tformer_edge.errors import Failure, UserError
from tformer_edge.printable import printable

# Of the machine, not of what was asked: the same command may work later.
_MACHINES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
MISTAKE, FAILURE, INTERRUPTED = 2, 1, 130


def guarded(name: str, run: Callable[[], int]) -> int:
    """Runs a command and gives its exit code.

    0 to 1: as `run` says. 2, and one sentence on standard error: a user's mistake (`UserError`, or a file that the
    system refuses). 1: right input, but the work failed: one sentence for `Failure`, a full disk or too little memory;
    for anything else a short report, with the traceback in a file. 130: Ctrl-C. 0 where the reader of a pipe has gone.

    Args:
        name: of the program, which its lines on standard error begin with.
        run: the command. SystemExit, argparse's, passes through.
    """
    # Names of files need not be text, and a terminal need not know every letter: neither ends in a traceback.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Pillow's, of pictures that images.py bounds itself: its lines name a file of this package and help nobody.
    warnings.filterwarnings("ignore", "Image size .* exceeds limit")
    try:
        code = run()
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a full disk can still be told
        return code
    except UserError as error:
        return _say(f"{name}: error: {printable(str(error))}", MISTAKE)
    except Failure as error:
        return _say(f"{name}: {printable(str(error))}", FAILURE)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return 0
    except OSError as error:
        if error.errno is None:
            return _report(name, error)
        _drop_output()
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        reason = (error.strerror or str(error)).lower()
        sentence = f"expected files that can be read and written, received {where}{reason}"
        if error.errno in _MACHINES:
            return _say(f"{name}: {printable(sentence)}; make room, and give the same command again", FAILURE)
        return _say(f"{name}: error: {printable(sentence)}; give another path", MISTAKE)
    except MemoryError:
        return _say(
            f"{name}: expected enough memory, received a request for more than there is; use smaller images, a smaller "
            "batch or a smaller model",
            FAILURE,
        )
    except Exception as error:
        return _report(name, error)


def _say(sentence: str, code: int) -> int:
    with contextlib.suppress(OSError, ValueError):  # where nobody listens any more
        print(sentence, file=sys.stderr)
    return code


def _report(name: str, error: Exception) -> int:
    """What nobody foresaw."""
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix=f"{name}-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"{sys.argv}\n{sys.version}\n{text}")
        where = f"the details are in {file.name}"
    except OSError:
        where = "its details could not be written to a file"
    reason = printable(" ".join(f"{type(error).__name__}: {error}".split()))[:300]
    return _say(
        f"{name}: this should not have happened ({reason}); {where}: please open an issue with them, and with what you "
        "did",
        FAILURE,
    )


def _drop_output() -> None:
    """What is still buffered goes nowhere, or Python would complain at its end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

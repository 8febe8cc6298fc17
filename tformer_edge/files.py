"""The one way in which this project writes files: whole or not at all, and still there after a power cut.

A file is written under a temporary name beside its place, flushed to the disk, and renamed; then the folder is flushed,
so that the rename lasts too. What a killed process leaves begins with `UNFINISHED` and is never taken for a result.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tformer_edge.errors import UserError

UNFINISHED = ".unfinished-"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path to write to, which becomes `path` when the context ends without an error.

    The temporary name keeps the suffix, by which some libraries choose the format. Raises OSError where the disk does.
    """
    temporary = path.with_name(f"{UNFINISHED}{os.getpid()}-{path.name}")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        flush_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes) -> None:
    """Writes one file into a folder that is there. Raises OSError where the disk does."""
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


def write_all_whole(contents: Mapping[Path, bytes]) -> None:
    """Writes files, making their folders: all of them, or none, and nothing is left behind.

    Raises UserError where one cannot be written.
    """
    made: list[Path] = []
    path = next(iter(contents))
    try:
        with contextlib.ExitStack() as stack:
            for path, data in contents.items():
                for folder in reversed([parent for parent in path.absolute().parents if not parent.exists()]):
                    folder.mkdir()
                    made.append(folder)
                stack.enter_context(whole_file(path)).write_bytes(data)
    except BaseException as error:
        with contextlib.suppress(OSError):
            for folder in reversed(made):
                folder.rmdir()
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def check_writable(paths: list[Path], force: bool) -> None:
    """Raises UserError, before any work is done, for a file that cannot be written or must not be overwritten.

    Args:
        paths: files that are to be written; their folders may be missing.
        force: overwrite files.
    """
    for path in paths:
        if path.is_dir():
            raise UserError("the name of a file", f"{path}, which is a folder", "add a file name")
        if path.exists() and not force:
            raise UserError(
                "a new file", f"{path}, which is there", "give --force to overwrite it, or another name"
            )
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        try:
            # Asking for permissions does not tell of read-only file systems: trying does.
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> UserError:
    """The sentence for a file that the disk refuses."""
    return UserError(
        f"to write {path}",
        (error.strerror or str(error)).lower(),
        "give a folder that is writable and has room",
    )


def flush_folder(folder: Path) -> None:
    """Makes renames within `folder` durable."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    _flush(folder)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

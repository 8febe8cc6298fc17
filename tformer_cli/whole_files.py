"""A command's files: checked before the work, and written all or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tformer_edge.errors import UserError


def check_writable(paths: list[Path], force: bool) -> None:
    """Raises UserError, before any work is done, for a file that cannot be written or must not be overwritten.

    Args:
        paths: files that are to be written; their folders may be missing.
        force: overwrite files.
    """
    for path in paths:
        if path.is_dir():
            raise UserError(
                f"Expected the name of a file, received {path}, which is a folder: add a file name."
            )
        if path.exists() and not force:
            raise UserError(
                f"Expected a new file, received {path}, which is there: give --force to overwrite it, or another --out."
            )
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        try:
            # Asking for permissions does not tell of read-only file systems: trying does.
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise _cannot_write(path, error) from error


def write_whole_files(contents: Mapping[Path, bytes]) -> None:
    """Writes files, making their folders: all of them, or none, and nothing is left behind.

    Raises:
        UserError: one cannot be written.
    """
    temporary: dict[Path, Path] = {}
    made: list[Path] = []
    path = next(iter(contents))
    try:
        for path, data in contents.items():
            for folder in reversed([parent for parent in path.absolute().parents if not parent.exists()]):
                folder.mkdir()
                made.append(folder)
            temporary[path] = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            with temporary[path].open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path in contents:
            os.replace(temporary[path], path)
            del temporary[path]
    except BaseException as error:
        with contextlib.suppress(OSError):
            for unfinished in temporary.values():
                unfinished.unlink(missing_ok=True)
            for folder in reversed(made):
                folder.rmdir()
        if isinstance(error, OSError):
            raise _cannot_write(path, error) from error
        raise


def _cannot_write(path: Path, error: OSError) -> UserError:
    return UserError(
        f"Expected to write {path}, received {(error.strerror or str(error)).lower()}: give a folder that is writable "
        "and has room."
    )

"""The one way in which this project writes files: whole or not at all, and still there after a power cut.

A file is written under a temporary name beside its place, flushed to the disk, and renamed; then the folder is flushed,
so that the rename lasts too. What a killed process leaves begins with `UNFINISHED` and is never taken for a result.
The temporary name is made at random and must be new, so that nobody can lay a link there beforehand. It is locked while
somebody writes to it, so that whoever writes the same file next can tell what a killed process left, and removes it.
Only regular files are ever replaced: a device or a pipe stays what it is, and of a symbolic link what it points at is
replaced.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tformer_edge.errors import UserError

UNFINISHED = ".unfinished-"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path to write to, which becomes `path` when the context ends without an error.

    The temporary name keeps the suffix, by which some libraries choose the format. Raises OSError where the disk does,
    and UserError where `path` is something else than a regular file.
    """
    path = path.resolve() if path.is_symlink() else path
    check_regular(path)
    _remove_strays(path)
    temporary, descriptor = _new_file(path)
    try:
        yield temporary
        check_regular(path)
        _flush(temporary)
        os.replace(temporary, path)
        flush_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _new_file(path: Path) -> tuple[Path, int]:
    """An empty file beside `path` that was not there before, and a descriptor that holds its lock."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    temporary = path.with_name(f"{UNFINISHED}{secrets.token_hex(4)}-{_end_of(path.name)}")
    descriptor = os.open(temporary, flags, 0o666)
    _lock(descriptor)
    return temporary, descriptor


def _end_of(name: str) -> str:
    """A name of at most 230 bytes, for temporary names add 21 to it; it keeps its end, where its suffix is."""
    return os.fsdecode(os.fsencode(name)[-230:])


def _remove_strays(path: Path) -> None:
    """Removes what killed processes left of the same file; what another one still writes is locked, and stays."""
    pattern = re.compile(re.escape(UNFINISHED) + "[0-9a-f]{8}-" + re.escape(_end_of(path.name)))
    try:
        names = [name for name in os.listdir(path.parent) if pattern.fullmatch(name)]
    except OSError:  # a folder that may not be read; or there is none, which will be said
        return
    for name in names:
        with contextlib.suppress(OSError):
            descriptor = os.open(path.parent / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            try:
                if _lock(descriptor):
                    os.unlink(path.parent / name)
            finally:
                os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Takes a file's lock until the descriptor is closed; False where somebody else has it, or there are no locks."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def check_regular(path: Path) -> None:
    """Raises UserError where `path` is there and no regular file: nothing else is ever replaced."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"
        raise UserError("the name of a file", f"{path}, which is {kind}", "give another name")


def read_regular(path: Path, limit: int = -1) -> bytes:
    """The bytes of a regular file, at most `limit` of them. Raises OSError, also for anything else.

    Asked before it is opened: opening a pipe waits for whoever writes to it.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "No regular file", str(path))
    with path.open("rb") as file:
        return file.read(limit)


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
        try:
            check_regular(path)
            there = path.exists()
        except OSError as error:  # a name that is too long, a folder that is a file, or is locked
            raise cannot_write(path, error) from error
        if there and not force:
            raise UserError(
                "a new file", f"{path}, which is there", "give --force to overwrite it, or another name"
            )
        folder = existing_folder(path)
        try:
            # Asking for permissions does not tell of read-only file systems: trying does.
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise cannot_write(path, error) from error


def existing_folder(path: Path) -> Path:
    """The nearest of the folders above `path` that is there. Raises UserError where it is no folder."""
    above = next(parent for parent in path.absolute().parents if parent.exists())
    if not above.is_dir():
        raise UserError(f"a folder for {path.name}", f"{above}, which is a file", "give another name")
    return above


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

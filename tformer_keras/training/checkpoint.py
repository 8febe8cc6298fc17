"""Checkpoints that survive a kill at any moment: one file each, written aside, flushed, renamed, the last two kept.

A checkpoint is an .npz file and, behind it, the SHA-256 of its bytes, which is checked before any of them is parsed.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tformer_edge.errors import UserError
from tformer_edge.files import UNFINISHED, whole_file

FORMAT = 1
KEEP = 2
DIGEST_BYTES = 32
_NAME = re.compile(r"step-(\d{9})\.npz")
_STATE = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """A run's state: `arrays` by name, and `state`, plain JSON data (epoch, step, history …)."""

    arrays: dict[str, np.ndarray]
    state: dict[str, Any]


def save_checkpoint(
    folder: Path, number: int, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]
) -> Path:
    """Writes a checkpoint and removes all but the newest two.

    The file gets its name only when its bytes are on the disk, and the folder is flushed after the rename: a kill, or
    a power cut, at any moment leaves the one before untouched.

    Args:
        folder: where checkpoints lie; made if need be.
        number: steps made so far, 0 to 999,999,999: the greater, the newer.
        arrays: name → array.
        state: JSON data.

    Returns:
        The file's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{number:09d}.npz"
    text = json.dumps({"format": FORMAT, **state}).encode()
    with whole_file(path) as temporary:
        with temporary.open("wb") as file:
            # np.savez is given a file, or it would add a suffix.
            np.savez(file, **{_STATE: np.frombuffer(text, np.uint8)}, **arrays)  # type: ignore[arg-type]
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        with temporary.open("ab") as file:
            file.write(digest)
    for _, old in _files(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    for stray in folder.glob(f"{UNFINISHED}*"):  # of a run that was killed while it wrote
        stray.unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path, say: Callable[[str], None]) -> Checkpoint | None:
    """The newest readable checkpoint, or None when there is none at all.

    Args:
        folder: where checkpoints lie.
        say: told, in one sentence, of each file that could not be read.

    Raises:
        UserError: there are checkpoints and none can be read.
    """
    files = _files(folder)
    for _, path in files:
        try:
            return _read(path)
        except (OSError, _Damaged) as error:
            say(f"{path} is damaged ({error}); going back to the checkpoint before it")
    if files:
        raise UserError(
            f"a readable checkpoint in {folder}",
            f"{len(files)} damaged ones",
            "delete the run's folder to start again",
        )
    return None


def _files(folder: Path) -> list[tuple[int, Path]]:
    """(number, path) of each checkpoint, newest first."""
    if not folder.is_dir():
        return []
    matches = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted(((int(match[1]), path) for match, path in matches if match), reverse=True)


class _Damaged(Exception):
    """A checkpoint that is not what was written."""


def _read(path: Path) -> Checkpoint:
    data = path.read_bytes()
    whole, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if hashlib.sha256(whole).digest() != digest:
        raise _Damaged("its bytes are not those that were written")
    with np.load(io.BytesIO(whole), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    state = json.loads(arrays.pop(_STATE).tobytes())
    if state.pop("format") != FORMAT:
        raise UserError(
            f"a checkpoint of format {FORMAT} in {path}", "another", "use the version that wrote it"
        )
    return Checkpoint(arrays, state)

"""Which files of a folder are images: one rule for training, `tformer-edge run` and `tformer-edge watch`.

A file is an image by its name. Hidden files and folders (of names that begin with a dot; macOS writes `._photo.jpg` by
`photo.jpg`) and `__MACOSX` are left out, and so are pictures in formats that are not read. Symbolic links are followed.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tformer_edge.errors import UserError
from tformer_edge.images import SUFFIXES

# Pictures that people have and that the decoder does not open: left out, but not without a word.
OTHER_PICTURES = frozenset(
    (
        ".heic",
        ".heif",
        ".avif",
        ".jxl",
        ".jp2",
        ".svg",
        ".psd",
        ".dng",
        ".cr2",
        ".nef",
        ".arw",
        ".raw",
        ".dib",
        ".eps",
    )
)


class LeftOut(Counter[str]):
    """How many files were left out, by why."""

    def line(self) -> str:
        """For people: "left out: 12 .heic (not read), 3 hidden"; empty where there is nothing to say."""
        parts = [f"{count} {why}" for why, count in sorted(self.items())]
        return f"left out: {', '.join(parts)}" if parts else ""


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is nobody's picture."""
    return name.startswith(".") or name == "__MACOSX"


def is_image_name(name: str) -> bool:
    """Whether a file of this name is an image."""
    return not is_hidden(name) and os.path.splitext(name)[1].lower() in SUFFIXES


def note(name: str, left_out: LeftOut) -> None:
    """Counts a file that is no image, where somebody may miss it."""
    suffix = os.path.splitext(name)[1].lower()
    if is_hidden(name):
        if suffix in SUFFIXES:
            left_out["hidden"] += 1
    elif suffix in OTHER_PICTURES:
        left_out[f"{suffix} (not read)"] += 1


def folder_images(folder: Path, left_out: LeftOut) -> list[Path]:
    """The images directly in a folder, in the order of their names; subfolders are left alone.

    Raises UserError where it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            # A link that leads nowhere is a file that cannot be read, and is named as one.
            files = [entry.name for entry in entries if not entry.is_dir()]
    except OSError as error:
        raise _unreadable(folder, error) from None
    for name in files:
        if not is_image_name(name):
            note(name, left_out)
    return [folder / name for name in sorted(files) if is_image_name(name)]


def images_below(folder: Path, left_out: LeftOut) -> Iterator[Path]:
    """The images of a folder at any depth. A folder that links lead to twice is read once.

    Raises UserError for a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise _unreadable(Path(str(error.filename)), error)

    seen = {_identity(folder)}
    for place, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        kept = []
        for name in sorted(folders):
            identity = _identity(Path(place, name))
            if not is_hidden(name) and identity not in seen:
                seen.add(identity)
                kept.append(name)
        folders[:] = kept
        for name in files:
            if is_image_name(name):
                yield Path(place, name)
            else:
                note(name, left_out)


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _unreadable(folder: Path, error: OSError) -> UserError:
    return UserError(
        "a readable folder", f"{folder}: {(error.strerror or str(error)).lower()}", "give another"
    )

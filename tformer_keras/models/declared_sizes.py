"""What a model file of a stranger says that it will take, checked before a byte of it is unpacked.

A zip of a few megabytes can declare gigabytes, and an HDF5 file of a few kilobytes an array of any size: whoever reads
them by the book runs out of memory.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import h5py  # type: ignore[import-untyped]

from tformer_edge.errors import UserError

# The largest model of keras.applications takes 1.4 GB.
MAX_FILE_BYTES = 4 << 30
MAX_JSON_BYTES = 64 << 20
# Trained weights hardly compress; fresh ones of zeros do, while they are small.
MAX_RATIO, RATIO_FROM = 50, 64 << 20
MAX_OBJECTS = 1_000_000


def check_zip(path: Path) -> None:
    """Raises UserError for a zip whose entries would unpack to more than a model takes.

    Raises:
        zipfile.BadZipFile, OSError: as `zipfile.ZipFile`.
    """
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            limit = MAX_JSON_BYTES if entry.filename.endswith(".json") else MAX_FILE_BYTES
            bomb = entry.file_size > max(MAX_RATIO * entry.compress_size, RATIO_FROM)
            if entry.file_size > limit or bomb:
                raise _too_large(
                    path, f"{entry.filename}, {entry.compress_size:,} bytes that become {entry.file_size:,}"
                )


def check_hdf5(file: Path | BinaryIO, path: Path, size: int) -> None:
    """Raises UserError for an HDF5 file whose arrays are larger than itself, or lie in other files.

    Args:
        file: what is read.
        path: what it is called.
        size: its bytes.

    Raises:
        OSError, RuntimeError, KeyError, ValueError: for a damaged file, as h5py does.
    """
    seen = 0
    declared = 0

    def visit(group: Any, depth: int) -> None:
        nonlocal seen, declared
        if depth > 64:
            raise _too_large(path, "groups in more than 64 groups")
        for name in group:
            seen += 1
            if seen > MAX_OBJECTS:
                raise _too_large(path, f"over {MAX_OBJECTS:,} objects")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _too_large(path, f"{name!r}, a link to another place or file")
            item = group[name]
            if isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise _too_large(path, f"{name!r}, which lies in another file")
                # Keras writes arrays as they are: nothing that is stored is larger than the file.
                declared += math.prod(item.shape or ()) * item.dtype.itemsize
                if declared > size:
                    raise _too_large(path, f"{name!r} of shape {item.shape} in a file of {size:,} bytes")
            else:
                visit(item, depth + 1)

    with h5py.File(file, "r") as opened:
        visit(opened, 0)


def _too_large(path: Path, received: str) -> UserError:
    return UserError(
        "a model file that is as large as it says",
        received,
        "do not use it, unless you know who made it: save the model again with Keras",
        where=str(path),
    )

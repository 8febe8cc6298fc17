"""A folder whose files a script makes: write them, or say which are not current."""

import sys
from collections.abc import Mapping
from pathlib import Path


def stale(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Names in `folder` that are missing, different or too many."""
    there = {path.name: path.read_bytes() for path in folder.iterdir()}
    return sorted(name for name in {*there, *files} if there.get(name) != files.get(name))


def main(folder: Path, files: Mapping[str, bytes]) -> int:
    """Writes what is stale; with `--check` only says so, and returns 1."""
    names = stale(folder, files)
    if "--check" in sys.argv:
        print("\n".join(names) or "current")
        return 1 if names else 0
    for name in names:
        if name in files:
            (folder / name).write_bytes(files[name])
        else:
            (folder / name).unlink()
    print(f"{len(files)} files, {sum(map(len, files.values()))} bytes, {len(names)} of them changed")
    return 0

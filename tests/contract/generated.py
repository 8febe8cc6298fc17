"""A folder whose files a script makes: write them, or say which are not current."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def index(cases: Mapping[str, Sequence[Any]], **plain: Any) -> bytes:
    """index.json: an object of lists, a case a line, after the values of `plain`."""
    blocks = [f'"{name}": {json.dumps(value)}' for name, value in plain.items()]
    blocks += [
        f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in group) + "\n]"
        for name, group in cases.items()
    ]
    return ("{\n" + ",\n".join(blocks) + "\n}\n").encode()


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

"""Finds the images that appear in a folder: by looking again and again, which works on every file system.

A file counts once its size and time of change have stood still for a moment, since cameras, scp and browsers write
for a while. What is replaced under the same name counts again. Memory grows with the files in the folder, never
with those that were there.
"""

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tformer_edge.errors import UserError
from tformer_edge.image_files import is_image_name

# Looking takes time with the number of files; waiting at least this many times as long leaves the processor free.
REST = 9


@dataclass(slots=True)
class _Seen:
    """Attributes: `what`, size and so on; `since`, when it was first so; `told`, whether it has been reported."""

    what: tuple[int, int, int]
    since: float
    told: bool


class FolderWatch:
    """The images of one folder; its subfolders, and files whose names begin with a dot, are left alone.

    Args:
        folder: to look into.
        existing: report what is there already, too.
        settle: seconds for which a file must stand still, at least 0.
        clock: seconds that only grow.

    Raises UserError, here and in `poll`, where the folder cannot be read.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        existing: bool = False,
        settle: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = Path(folder)
        self._settle = settle
        self._clock = clock
        self._was_there = False
        now = clock()
        self._seen = {name: _Seen(what, now, not existing) for name, what in self._scan().items()}
        self._was_there = True

    def poll(self) -> list[Path]:
        """The images that have settled since the last call, the oldest first."""
        now, found = self._clock(), self._scan()
        seen: dict[str, _Seen] = {}
        new: list[tuple[int, str]] = []
        for name, what in found.items():
            before = self._seen.get(name)
            if before is None or before.what != what:
                before = _Seen(what, now, False)
            if not before.told and now - before.since >= self._settle:
                before.told = True
                new.append((what[1], name))
            seen[name] = before
        self._seen = seen
        return [self._folder / name for _, name in sorted(new)]

    def images(self, interval: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[Path]:
        """Each image as it settles, for ever, looking every `interval` seconds, and less often in a large folder."""
        while True:
            started = time.monotonic()
            new = self.poll()
            took = time.monotonic() - started
            yield from new
            sleep(max(interval, REST * took))

    def _scan(self) -> dict[str, tuple[int, int, int]]:
        """{name: (size, time of change in ns, inode)} of the image files."""
        found = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if not is_image_name(entry.name):
                        continue
                    try:
                        status = entry.stat()
                    except OSError:  # gone meanwhile, or a link to nothing
                        continue
                    if stat.S_ISREG(status.st_mode):
                        found[entry.name] = (status.st_size, status.st_mtime_ns, status.st_ino)
        except OSError as error:
            verb = "can no longer" if self._was_there else "cannot"
            raise UserError(
                "a folder to watch",
                f"{self._folder}, which {verb} be read ({(error.strerror or type(error).__name__).lower()})",
                "make it, or name another",
            ) from None
        return found

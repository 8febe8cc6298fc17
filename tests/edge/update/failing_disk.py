"""A disk on which operations fail: changes of it and readings are counted, and chosen ones raise an OSError."""

import builtins
import contextlib
import io
import os
import tempfile
from unittest import mock

CHANGES = ("replace", "rename", "mkdir", "symlink", "link", "truncate")
REMOVALS = ("unlink", "remove", "rmdir")


class Disk:
    """Below `folder`, operations for which `fails(kind, number)` is true fail with the errno `error`.

    "change": openings for writing, every write (of which half arrives first), truncations, flushes, renames, links
    and new folders; "removal", counted together with them; "read": openings for reading. Numbers begin at 0.
    """

    def __init__(self, folder, error, fails):
        self.folder, self.error, self.fails = str(folder), error, fails
        self.counts, self.failed = {"change": 0, "read": 0}, 0

    def operation(self, kind):
        counter = "read" if kind == "read" else "change"
        number = self.counts[counter]
        self.counts[counter] += 1
        if self.fails(kind, number):
            self.failed += 1
            raise OSError(self.error, os.strerror(self.error))

    def inside(self, path):
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")
        return isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self.folder)

    @contextlib.contextmanager
    def installed(self):
        """The process's disk, until the context ends."""
        disk, real_open, real_os_open, real_fsync = self, io.open, os.open, os.fsync

        class File(io.FileIO):
            def write(self, data):
                try:
                    disk.operation("change")
                except OSError:
                    super().write(memoryview(data).cast("B")[: len(data) // 2])
                    raise
                return super().write(data)

            def truncate(self, size=None):
                disk.operation("change")
                return super().truncate(size)

        def opened(path, mode="r", buffering=-1, *rest, **options):
            if not disk.inside(path):
                return real_open(path, mode, buffering, *rest, **options)
            if not set(mode) & set("wax+"):
                disk.operation("read")
                return real_open(path, mode, buffering, *rest, **options)
            if not isinstance(path, int):
                disk.operation("change")
            assert "b" in mode, "text would need another layer here"
            raw = File(path, mode.replace("b", ""), opener=options.get("opener"))
            if buffering == 0:
                return raw
            return (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)

        def os_opened(path, flags, *rest, **options):
            if disk.inside(path) and flags & (os.O_WRONLY | os.O_RDWR):
                disk.operation("change")
            return real_os_open(path, flags, *rest, **options)

        def flushed(descriptor):
            if disk.inside(descriptor):
                disk.operation("change")
            real_fsync(descriptor)

        def counted(name):
            real = getattr(os, name)

            def change(path, *rest, **options):
                if disk.inside(path):
                    disk.operation("removal" if name in REMOVALS else "change")
                return real(path, *rest, **options)

            return change

        with contextlib.ExitStack() as stack:
            for module, name, new in (
                (builtins, "open", opened),
                (io, "open", opened),
                (tempfile._io, "open", opened),
                (os, "open", os_opened),
                (os, "fsync", flushed),
                *((os, name, counted(name)) for name in (*CHANGES, *REMOVALS)),
            ):
                stack.enter_context(mock.patch.object(module, name, new))
            yield self

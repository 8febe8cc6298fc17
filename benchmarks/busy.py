"""A process that never rests on each core: what an inference has beside it on a phone or a Pi that does other work."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.provenance import usable_cores

# It ends by itself when the process that began it is gone, however that ended.
_LOOP = """
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {int(sys.argv[1])})
parent = os.getppid()
print("busy", flush=True)
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


@contextlib.contextmanager
def busy_cores() -> Iterator[list[int]]:
    """While it lasts, a busy loop runs on each core that this process may use: their process numbers."""
    loops = [
        subprocess.Popen([sys.executable, "-c", _LOOP, str(core)], stdout=subprocess.PIPE)
        for core in usable_cores()
    ]
    try:
        for loop in loops:
            assert loop.stdout is not None
            loop.stdout.readline()  # it has begun
        yield [loop.pid for loop in loops]
    finally:
        for loop in loops:
            loop.kill()
            loop.communicate()

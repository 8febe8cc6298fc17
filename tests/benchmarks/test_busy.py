"""benchmarks/busy.py: a loop on each core, that takes its time, and none when it is over."""

import time

import psutil
import pytest

from benchmarks.busy import busy_cores
from benchmarks.provenance import usable_cores


def test_each_core_is_busy_and_then_left_alone():
    with pytest.raises(KeyboardInterrupt), busy_cores() as numbers:
        assert len(numbers) == len(usable_cores()) >= 1
        loops = [psutil.Process(number) for number in numbers]
        where = [loop.cpu_affinity() for loop in loops] if hasattr(loops[0], "cpu_affinity") else None
        assert where is None or sorted(where) == [[core] for core in usable_cores()]
        before = [loop.cpu_times().user for loop in loops]
        deadline = time.monotonic() + 60
        while any(loop.cpu_times().user <= start for loop, start in zip(loops, before, strict=True)):
            assert time.monotonic() < deadline, "a loop rests"
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert not any(psutil.pid_exists(number) for number in numbers)

"""Memory stays flat: the short form of `python -m tests.fuzz.soak`, and proof that it sees a leak.

Each measurement is made in a fresh process: one that has run other tests holds memory that it can hand out again, which
would hide what is kept.
"""

import pytest

from tests.fresh_process import fresh
from tests.fuzz.soak import BOUND
from tests.memory import resident_bytes

pytestmark = pytest.mark.skipif(
    resident_bytes() is None, reason="needs Linux' /proc, which says a process's memory"
)
MEASURE = """
from dataclasses import asdict
from pathlib import Path
from tests.fuzz.soak import folder_run, growth, inferences, openings
result = [asdict(one) for one in {work}]
"""


@pytest.mark.parametrize(
    "work",
    [
        "inferences(Path(sys.argv[1]), 5000)",
        "inferences(Path(sys.argv[1]), 1000, isolated=True)",
        "[openings(Path(sys.argv[1]), 200)]",
        "[folder_run(Path(sys.argv[1]), 10_000)]",
    ],
    ids=["inferences", "inferences in a process of their own", "openings", "folder"],
)
def test_memory_stays_flat(fuzz_folder, work):
    for one in fresh(MEASURE.format(work=work), fuzz_folder / "seeds" / "int8-1.tflite"):
        assert one["grew"] <= BOUND, one


def test_a_leak_is_seen():
    """What is kept, 4 MB a step, is nearly eighty times as much as may be."""
    work = "[growth('leak', lambda number, kept=[]: kept.append(bytes([number % 255 + 1]) * 4_000_000), 100)]"
    (result,) = fresh(MEASURE.format(work=work))
    assert result["grew"] > 50 * BOUND

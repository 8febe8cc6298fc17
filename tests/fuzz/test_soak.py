"""Memory stays flat: the short form of `python -m tests.fuzz.soak`, and proof that it sees a leak."""

import pytest

from tests.fuzz.soak import BOUND, folder_run, growth, inferences, openings
from tformer_edge.memory import resident_bytes

pytestmark = pytest.mark.skipif(
    resident_bytes() is None, reason="needs Linux' /proc, which says a process's memory"
)


@pytest.mark.parametrize("isolated", [False, True])
def test_memory_over_inferences(fuzz_folder, isolated):
    for one in inferences(fuzz_folder / "seeds" / "int8-1.tflite", 1000 if isolated else 5000, isolated):
        assert one.passed, one


def test_memory_over_models_that_are_closed(fuzz_folder):
    result = openings(fuzz_folder / "seeds" / "int8-1.tflite", 200)
    assert result.passed, result


def test_a_folder_of_10000_images(fuzz_folder):
    result = folder_run(fuzz_folder / "seeds" / "int8-1.tflite", 10_000)
    assert result.passed, result


def test_a_leak_is_seen():
    kept = []
    result = growth("leak", lambda number: kept.append(bytes([number % 255 + 1]) * 100_000), 100)
    assert not result.passed and result.grew > BOUND

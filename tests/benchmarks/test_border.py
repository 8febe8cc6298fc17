"""The figures of a file's border are there, for a small picture."""

from benchmarks.border import lookups


def test_lookups_by_type() -> None:
    found = lookups(16, repeats=2)
    assert len(found) == 6 and all(cost >= 0 for cost in found.values())
    assert {"int8, pixels", "uint8, normalised", "float32, pixels"} < set(found)

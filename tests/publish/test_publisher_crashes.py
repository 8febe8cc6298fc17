"""A publisher that is killed, loses power or finds the disk full, at every operation: what it leaves is valid."""

import pytest

from tests.fresh_process import fresh_module


def cut_off_everywhere(work, mode, step):
    """What publisher_crash_worker found; it ends with an error where a repository was not valid."""
    return fresh_module("tests.publish.publisher_crash_worker", work, mode, step, seconds=1200)


@pytest.mark.parametrize(("mode", "step"), [("kill", 5), ("zero", 7), ("full", 2)])
def test_a_repository_is_valid_whatever_ends_its_publisher(mode, step, tmp_path):
    found = cut_off_everywhere(tmp_path, mode, step)
    assert set(found) == {"release", "promote", "rollback", "refresh", "rotate"}
    assert all(counts["points"] >= 2 for counts in found.values()) and found["release"]["old"] >= 2

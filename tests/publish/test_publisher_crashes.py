"""A publisher that is killed, loses power or finds the disk full, at every operation: what it leaves is valid."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def cut_off_everywhere(work, mode, step):
    """What publisher_crash_worker found; it ends with an error where a repository was not valid."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.publish.publisher_crash_worker", str(work), mode, str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(("mode", "step"), [("kill", 5), ("zero", 7), ("full", 2)])
def test_a_repository_is_valid_whatever_ends_its_publisher(mode, step, tmp_path):
    found = cut_off_everywhere(tmp_path, mode, step)
    assert set(found) == {"release", "promote", "rollback", "refresh", "rotate"}
    assert all(counts["points"] >= 2 for counts in found.values()) and found["release"]["old"] >= 2

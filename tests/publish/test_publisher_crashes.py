"""A publisher that is killed, loses power or finds the disk full, at every operation: what it leaves is valid."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("mode", "step"), [("kill", 5), ("zero", 7), ("full", 2)])
def test_a_repository_is_valid_whatever_ends_its_publisher(mode, step, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.publish.publisher_crash_worker", str(tmp_path), mode, str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert set(found) == {"release", "promote", "rollback", "refresh", "rotate"}
    assert all(counts["points"] >= 2 for counts in found.values()) and found["release"]["old"] >= 2

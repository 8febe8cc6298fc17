"""SIGKILL and power cuts at operations all through an update; `make soak-update` takes every one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.update.repositories import made_model

ROOT = Path(__file__).parents[3]


def crash_everywhere(site, device, work, mode, step):
    """What crash_worker found; it ends with an error where a model was lost."""
    site.release(made_model(0))
    device.update()
    site.release(made_model(1))
    work.mkdir()
    arguments = [site.url, str(site.folder / "metadata" / "1.root.json"), str(device.store.folder), str(work)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.edge.update.crash_worker", *arguments, mode, str(step)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("mode", "step"),
    [("kill", 5), ("zero", 6), ("half", 7)],
    ids=["P1_kill", "P2_lost_writes", "P2_half_writes"],
)
def test_an_update_that_is_cut_off_anywhere(site, device, tmp_path, mode, step):
    found = crash_everywhere(site, device, tmp_path / "work", mode, step)
    assert found["points"] >= 8 and found["old"] > 0 and found["new"] > 0

"""SIGKILL and power cuts at operations all through an update; `make soak-update` takes every one."""

import pytest

from tests.edge.update.repositories import made_model
from tests.fresh_process import fresh_module


def crash_everywhere(site, device, work, mode, step):
    """What crash_worker found; it ends with an error where a model was lost."""
    site.release(made_model(0))
    device.update()
    site.release(made_model(1))
    work.mkdir()
    root = site.folder / "metadata" / "1.root.json"
    arguments = (site.url, root, device.store.folder, work, mode, step)
    return fresh_module("tests.edge.update.crash_worker", *arguments, seconds=1200)


@pytest.mark.parametrize(
    ("mode", "step"),
    [("kill", 5), ("zero", 6), ("half", 7)],
    ids=["P1_kill", "P2_lost_writes", "P2_half_writes"],
)
def test_an_update_that_is_cut_off_anywhere(site, device, tmp_path, mode, step):
    found = crash_everywhere(site, device, tmp_path / "work", mode, step)
    assert found["points"] >= 8 and found["old"] > 0 and found["new"] > 0

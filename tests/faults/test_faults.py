"""A sample of `make faults`: the commands that start in a moment, through every fault of the machine."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faults.commands import COMMANDS
from tests.faults.faults import DAMAGES, FAULTS, THINGS, keras_home
from tests.faults.process import Ended, Fault, run, wrong_with
from tests.faults.workspace import Workspace


@pytest.fixture
def space(model_file: bytes, tmp_path: Path) -> Workspace:
    """A workspace with a model file and a picture."""
    workspace = Workspace(tmp_path / "space")
    workspace.folder.mkdir()
    workspace.model.write_bytes(model_file)
    Image.fromarray(np.zeros((20, 24, 3), np.uint8)).save(workspace.photo)
    return workspace


def judged(command: str, fault: Fault, space: Workspace, out: Path) -> None:
    out.mkdir()
    before = set(space.folder.parent.rglob("*"))
    ended = run(COMMANDS[command](space, out), fault)
    assert wrong_with(ended, fault, space.folder.parent, before, as_json=True) is None


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_listing_through_every_fault_of_the_machine(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    if name == "other Keras defaults":
        fault = dataclasses.replace(fault, environment=keras_home(tmp_path / "keras"))
    judged("list", fault, Workspace(tmp_path), tmp_path / "out")


@pytest.mark.parametrize("damage", ["empty", "cut", "bits flipped", "another type", "a folder", "missing"])
def test_a_device_meets_a_damaged_file(damage: str, space: Workspace, tmp_path: Path) -> None:
    if damage in DAMAGES:
        space.model.write_bytes(DAMAGES[damage](space.model.read_bytes()))
    else:
        THINGS[damage](space.model)
    judged("edge run", Fault(codes=(2,)), space, tmp_path / "out")


@pytest.mark.parametrize("name", ["nothing", "stdout full", "ASCII terminal", "disk full"])
def test_a_device_through_faults_of_the_machine(name: str, space: Workspace, tmp_path: Path) -> None:
    judged("edge run", FAULTS[name], space, tmp_path / "out")


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    good = Ended(0, '{"a": 1}\n', "", 1, 0.1)
    assert wrong_with(good, Fault(), tmp_path, set(), as_json=True) is None
    for changes, words in (
        ({"code": 139}, "ended with 139"),
        ({"code": 1}, "no word"),
        ({"code": 1, "err": "Traceback (most recent call last)"}, "a traceback"),
        ({"code": 1, "err": "x: this should not have happened (y)"}, "not foreseen"),
        ({"out": '{"a": 1'}, "no JSON"),
        ({"peak": 64 << 30}, "MB of memory"),
    ):
        bad = dataclasses.replace(good, **changes)
        assert words in (wrong_with(bad, Fault(), tmp_path, set(), as_json=True) or "")
    (tmp_path / ".unfinished-00000000-x").touch()
    assert "behind" in (wrong_with(good, Fault(), tmp_path, set(), as_json=True) or "")

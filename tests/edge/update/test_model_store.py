"""The store's two slots: damage, trials, locks, lost memory, and a real model in use while it is replaced."""

import json
import os

import numpy as np
import pytest

from tformer_edge.cli import main
from tformer_edge.errors import UserError
from tformer_edge.update.model_check import check_model
from tformer_edge.update.model_store import MAX_TRIALS, ModelStore
from tformer_edge.update.state_file import DeviceState, parse_state, read_state
from tformer_edge.update.update_state import UpdateFailure, UpdateState
from tformer_publish.releases import promote


@pytest.fixture
def two(models):
    """A real model, and another one of the same class, whose golden vectors it passes as well."""
    import dataclasses

    from tformer_edge.contract import read_model_file, write_model_file

    first = (models / "int8-1.tflite").read_bytes()
    file = read_model_file(first)
    contract = dataclasses.replace(file.contract, name="another")
    return first, write_model_file(file.flatbuffer, contract, file.labels, file.golden)


@pytest.fixture
def trial(site, device, two):
    """A device whose release 2 is on trial."""
    for data in two:
        site.release(data)
        assert device.update(trial=True, check=check_model).state is UpdateState.UPDATED
    assert device.store.state().trial == 0
    return device


def test_a_program_that_confirms_keeps_the_new_release(trial, two):
    with trial.store.open() as model:
        assert model.file.contract.name == "another"
        trial.store.confirm()
    for _ in range(MAX_TRIALS + 2):
        trial.store.open().close()
    assert trial.data() == two[1]


def test_P7_a_program_that_never_confirms_gets_the_old_release_back_for_good(trial, two, site):
    for _ in range(MAX_TRIALS):
        with trial.store.open() as model:
            assert model.file.contract.name == "another"
    with trial.store.open() as model:
        assert model.file.contract.name == "tiny"
    assert trial.store.state().failed == (2,) and trial.data() == two[0]
    assert trial.update().state is UpdateState.FAILED_BEFORE
    promote(site.repository, 2, 0, site.keys)
    # Halted: what is offered is what answers here, although release 2 was once installed.
    assert trial.update().state is UpdateState.UP_TO_DATE and trial.data() == two[0]


def test_a_newer_release_during_a_trial_takes_the_slot_on_trial(trial, two, site):
    site.release(two[0], allow_full=True)
    trial.update(trial=True)
    state = trial.store.state()
    assert sorted(slot.release for slot in state.slots.values()) == [1, 3] and trial.data() == two[0]


def test_P5_bit_rot_falls_back_to_the_slot_before_and_is_fetched_again(trial, two):
    trial.store.open().close()
    trial.store.confirm()
    path = trial.store.slot_path(trial.store.state().active)
    path.write_bytes(path.read_bytes()[:-3] + b"rot")
    with trial.store.open() as model:
        assert model.file.contract.name == "tiny"
    assert trial.update().state is UpdateState.UPDATED and trial.data() == two[1]


def test_P5_both_slots_damaged(trial):
    for name in "ab":
        trial.store.slot_path(name).write_bytes(b"")
    with pytest.raises(UpdateFailure, match="CORRUPT"):
        trial.store.open()
    assert trial.update().state is UpdateState.UPDATED


def test_P6_one_update_at_a_time(trial):
    with trial.store.updating():
        assert trial.update().state is UpdateState.BUSY
        trial.store.open().close()  # programs do not wait for an update


def test_P6_a_model_in_use_goes_on_while_its_file_is_replaced(trial, two, site, photos):
    model = trial.store.open()
    trial.store.confirm()
    said = model.predict(photos[0])
    assert trial.store.reload(model) is model
    site.release(two[0], allow_full=True)
    trial.update()
    assert np.allclose(model.predict(photos[0]).probability, said.probability)
    newer = trial.store.reload(model)
    assert newer is not model and newer.file.contract.name == "tiny"
    with pytest.raises(UserError, match="closed"):
        model.predict(photos[0])
    newer.close()


def test_P4_one_copy_of_the_state_is_enough(trial):
    state = trial.store.state()
    (trial.store.folder / "state-1.json").write_bytes(b"\0" * 400)
    assert trial.store.state() == state
    (trial.store.folder / "state-1.json").unlink()
    assert trial.store.state() == state
    os.mkfifo(trial.store.folder / "state-1.json")  # nobody writes to it: a reader would wait for ever
    assert trial.store.state() == state


@pytest.mark.parametrize(
    "damage", [b"", b"\0" * 300, DeviceState("x").to_bytes().replace(b'"schema": 1', b'"schema": 2')]
)
def test_P4_both_lost_the_floor_is_not_guessed(trial, two, damage, site, capsys):
    for name in ("state-1.json", "state-2.json"):
        (trial.store.folder / name).write_bytes(damage)
    assert trial.update().state is UpdateState.FLOOR_LOST
    assert main(["update", site.url, "--store", str(trial.store.folder), "--floor", "2", "--no-trial"]) == 0
    assert "UPDATED: release 2" in capsys.readouterr().out and trial.data() == two[1]
    assert main(["update", site.url, "--store", str(trial.store.folder), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["state"] == "UP_TO_DATE" and "UP_TO_DATE: release 2" in said.err
    assert main(["update", site.url, "--store", str(trial.store.folder), "--floor", "2"]) == 2


def test_a_state_of_any_bytes_is_read_or_not(trial):
    good = trial.store.state().to_bytes()
    for place in range(len(good)):
        assert parse_state(good[:place]) is None
        assert parse_state(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]) is None
    assert parse_state(good) == read_state(trial.store.folder)


@pytest.mark.parametrize("damage", ["golden", "flatbuffer", "none"])
def test_M1_M2_the_self_test_of_a_real_file(two, damage):
    from tformer_edge.contract import Golden, describe, read_model_file, write_model_file

    file = read_model_file(two[0])
    flatbuffer, golden = file.flatbuffer, list(file.golden)
    if damage == "golden":
        first = golden[0]
        golden[0] = Golden(first.name, first.input, bytes(b ^ 0x40 for b in first.output), 0)
    if damage == "flatbuffer":
        flatbuffer = flatbuffer[:200] + os.urandom(len(flatbuffer) - 400) + flatbuffer[-200:]
    contract = describe(
        flatbuffer,
        file.labels,
        golden,
        name="damaged",
        image=file.contract.image,
        source=file.contract.source,
    )
    data = write_model_file(flatbuffer, contract, file.labels, golden)
    if damage == "none":
        check_model(data)
        return
    with pytest.raises(UpdateFailure) as error:
        check_model(data)
    assert error.value.state is UpdateState.SELFTEST_FAILED


def test_status_says_what_is_there(trial, capsys):
    assert main(["status", "--store", str(trial.store.folder)]) == 0
    out = capsys.readouterr().out
    assert "release 2: on trial" in out and "release 1: kept" in out and "last update: UPDATED" in out
    path = trial.store.slot_path(trial.store.state().active)
    path.write_bytes(b"")
    assert main(["status", "--store", str(trial.store.folder), "--json"]) == 1
    assert main(["status", "--store", str(trial.store.folder / "none")]) == 2
    assert isinstance(trial.store, ModelStore)

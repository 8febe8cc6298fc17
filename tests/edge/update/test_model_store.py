"""The store's two slots: damage, trials, locks, lost memory, and a real model in use while it is replaced."""

import builtins
import errno
import io
import json
import os

import numpy as np
import pytest

from tests.edge.update.repositories import Device, made_model
from tformer_edge.cli import main
from tformer_edge.errors import UserError
from tformer_edge.update.client import check_model
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


def failing_writes(monkeypatch, k, number):
    """The k-th opening for writing fails."""
    left, real, real_open = [k], os.open, io.open

    def fails():
        left[0] -= 1
        if left[0] < 0:
            raise OSError(number, os.strerror(number))

    def opened(path, flags, *rest, **options):
        if flags & (os.O_WRONLY | os.O_RDWR):
            fails()
        return real(path, flags, *rest, **options)

    def plain(path, mode="r", *rest, **options):
        if set(mode) & set("wax+") and not isinstance(path, int):
            fails()
        return real_open(path, mode, *rest, **options)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(io, "open", plain)
    monkeypatch.setattr(builtins, "open", plain)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_P3_a_disk_that_refuses_from_any_write_on(site, tmp_path, monkeypatch, number):
    site.release(made_model(0))
    device = Device(tmp_path / "device", site)
    device.update()
    site.release(made_model(1))
    seen = set()
    for k in range(1, 40):
        with monkeypatch.context() as patched:
            failing_writes(patched, k, number)
            report = device.update()
        seen.add(report.state)
        assert device.data() in (made_model(0), made_model(1))
        if report.state is UpdateState.UPDATED and device.store.state().last == "UPDATED":
            break
        assert report.state in (UpdateState.DISK, UpdateState.UPDATED, UpdateState.UP_TO_DATE)
    assert UpdateState.DISK in seen
    assert device.update().state in (UpdateState.UP_TO_DATE, UpdateState.UPDATED)
    assert device.data() == made_model(1)


def test_P3_too_little_room_is_seen_before_anything_is_fetched(site, device, monkeypatch):
    site.release(made_model(0))
    real = os.statvfs

    def full(path):
        return type("Room", (), {"f_bavail": 1, "f_frsize": 4096})

    monkeypatch.setattr(os, "statvfs", full)
    assert device.update().state is UpdateState.DISK
    assert not any("targets/" in path for path, _ in site.requests)
    monkeypatch.setattr(os, "statvfs", real)
    assert device.update().state is UpdateState.UPDATED


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

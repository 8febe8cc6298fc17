"""P3: a disk that fails at every single operation of an update: the old model answers, the state says DISK."""

import errno
import os
import shutil

import pytest

from tests.edge.update.failing_disk import Disk
from tests.edge.update.repositories import Device, made_model
from tformer_edge.errors import UserError
from tformer_edge.update.model_store import ModelStore
from tformer_edge.update.update_state import UpdateFailure, UpdateState

U = UpdateState
CHANGING = {"change", "removal"}


def numbered(kinds, numbers):
    """Operations of these kinds and numbers."""
    return lambda kind, number: kind in kinds and number in numbers


@pytest.fixture
def template(site, tmp_path):
    """Makes devices on release 1, of a site that has release 2."""
    site.release(made_model(0))
    first = Device(tmp_path / "template", site)
    first.update()
    site.release(made_model(1))
    count = [0]

    def make():
        count[0] += 1
        folder = tmp_path / f"device-{count[0]}"
        shutil.copytree(first.store.folder, folder, symlinks=True)
        return Device(folder, site)

    return make


def whole(device):
    """The release that answers; its file is whole by its own hash."""
    data = ModelStore(device.store.folder)
    state = data.state()
    found = data.bytes_of(state, state.active)
    assert found in (made_model(0), made_model(1))
    assert state.slots[state.active].release == (1 if found == made_model(0) else 2)
    return state.slots[state.active].release


def changes_of_an_update(template):
    device = template()
    with Disk(device.store.folder, errno.EIO, lambda kind, number: False).installed() as disk:
        assert device.update().state is U.UPDATED
    assert disk.counts["change"] > 40 and disk.counts["read"] > 5
    return disk.counts


@pytest.mark.parametrize(
    ("error", "step"),
    [(errno.ENOSPC, 6), (errno.EDQUOT, 17), (errno.EROFS, 8), (errno.EIO, 11)],
    ids=["ENOSPC", "quota", "EROFS", "EIO"],
)
def test_P3_from_any_change_on_the_disk_takes_nothing(template, error, step):
    for first in range(0, changes_of_an_update(template)["change"], step):
        device = template()
        kinds = {"change"} if error in (errno.ENOSPC, errno.EDQUOT) else CHANGING
        with Disk(device.store.folder, error, numbered(kinds, range(first, 1 << 20))).installed() as disk:
            report = device.update()
        assert disk.failed, first
        # Only where all that failed was the tidying up behind it is the new model there.
        assert report.state is U.DISK and whole(device) in (1, 2), (first, report)
        again = device.update()
        assert again.state in (U.UPDATED, U.UP_TO_DATE) and whole(device) == 2, (first, again)
        left = [path.name for path in device.store.folder.rglob("*") if path.name.startswith(".unfinished")]
        assert left == [] and list((device.store.folder / "staging").iterdir()) == []


def test_P3_one_change_fails_and_the_next_one_does_not(template):
    ends = set()
    for chosen in range(0, changes_of_an_update(template)["change"], 9):
        device = template()
        with Disk(device.store.folder, errno.EIO, numbered(CHANGING, [chosen])).installed():
            report = device.update()
        ends.add(report.state)
        assert report.state in (U.DISK, U.UPDATED) and whole(device) in (1, 2), (chosen, report)
        assert device.update().state in (U.UPDATED, U.UP_TO_DATE) and whole(device) == 2
    assert U.DISK in ends


def test_P3_one_reading_fails(template):
    for chosen in range(0, changes_of_an_update(template)["read"], 2):
        device = template()
        with Disk(device.store.folder, errno.EIO, numbered({"read"}, [chosen])).installed():
            report = device.update()
        assert report.state in (U.DISK, U.UPDATED), (chosen, report)
        assert whole(device) in (1, 2)
        assert device.update().state in (U.UPDATED, U.UP_TO_DATE) and whole(device) == 2


def test_P3_nothing_can_be_read_and_no_floor_is_asked_for(template):
    device = template()
    with Disk(device.store.folder, errno.EIO, lambda kind, n: kind == "read").installed():
        assert device.update().state is U.DISK  # not FLOOR_LOST: nothing says that the memory is damaged
        with pytest.raises((OSError, UserError, UpdateFailure)):
            device.store.open()
    assert whole(device) == 1 and device.update().state is U.UPDATED


def test_P3_a_full_disk_is_left_with_an_empty_staging_folder(template):
    device = template()
    staging = device.store.folder / "staging"

    def full(
        kind, number
    ):  # as soon as a piece of the release is there; removals are what such a disk allows
        return kind == "change" and any(path.stat().st_size for path in staging.iterdir())

    with Disk(device.store.folder, errno.ENOSPC, full).installed() as disk:
        assert device.update().state is U.DISK
    assert disk.failed and list(staging.iterdir()) == [] and whole(device) == 1
    assert device.update().state is U.UPDATED


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

"""A device and a repository on loopback: what reaches it, and by how many bytes."""

import importlib.util

import pytest

from tests.edge.tiny_models import PREPROCESSING
from tests.edge.update.repositories import Device, made_model
from tformer_edge.contract import describe, read_model_file, write_model_file
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.update.manifest import DeviceClass, Part, Release, bucket, ways_to
from tformer_edge.update.update_state import UpdateFailure, UpdateState
from tformer_publish.releases import promote, report, rollback, verify
from tformer_publish.served_deltas import worth_serving


def test_first_contact_delta_and_nothing_new(site, device):
    first, second = made_model(0), made_model(1)
    site.release(first)
    report = device.update()
    assert (report.state, report.release, device.data()) == (UpdateState.UPDATED, 1, first)
    assert report.traffic.full == len(first) and report.traffic.delta == 0
    published = site.release(second)
    report = device.update(root=None)
    assert (report.state, report.release, device.data()) == (UpdateState.UPDATED, 2, second)
    assert report.traffic.full == 0 and report.traffic.delta == published.chosen[1].bytes < len(second) / 10
    report = device.update()
    assert report.state is UpdateState.UP_TO_DATE and report.traffic.delta == report.traffic.full == 0
    assert verify(site.repository) == []


def test_D4_a_device_too_far_behind_fetches_the_whole_file(site, device):
    site.release(made_model(0))
    device.update()
    for seed in range(1, 8):
        site.release(made_model(seed))
    report = device.update()
    assert (report.release, report.traffic.delta, report.traffic.full) == (8, 0, len(made_model(7)))


def test_D4_a_way_that_is_no_shorter_or_does_not_begin_here_is_never_taken():
    whole, here = Part("r.tflite", 1000, "0" * 64), "a" * 64
    short, long = (
        Part("s.delta", 90, "1" * 64, "residual", here),
        Part("l.delta", 1000, "2" * 64, "residual", here),
    )
    other = Part("o.delta", 10, "3" * 64, "residual", "b" * 64)
    unknown = Part("u.delta", 20, "4" * 64, "hdiffpatch", here)
    deltas = (long, other, unknown, short)
    release = Release(2, whole, DeviceClass("classification", (12, 10)), deltas=deltas)
    assert ways_to(release, {here: b""}, ("residual",)) == [short, whole]
    assert ways_to(release, {here: b""}, ("residual", "hdiffpatch")) == [unknown, short, whole]
    assert ways_to(release, {}, ("residual",)) == [whole]


def reordered(data, blocks):
    """The file with its flatbuffer's bytes in another order, as when a converter lays them out otherwise."""
    file = read_model_file(data)
    body, step = file.flatbuffer[8:], len(file.flatbuffer[8:]) // blocks
    parts = [body[start : start + step] for start in range(0, len(body), step)]
    flatbuffer = file.flatbuffer[:8] + b"".join(reversed(parts))
    contract = describe(flatbuffer, file.labels, file.golden, name="other layout", image=PREPROCESSING)
    return write_model_file(flatbuffer, contract, file.labels, file.golden)


@pytest.mark.parametrize("installed", [True, False])
def test_a_device_without_hdiffpatch_has_a_delta_of_its_own(site, device, monkeypatch, installed):
    data = made_model(0, size=200_000)
    site.release(data)
    device.update()
    made = site.release(reordered(data, 30))
    (_, residual, other) = made.chosen
    assert (residual.codec, other.codec) == ("residual", "hdiffpatch") and other.bytes < 0.5 * residual.bytes
    if not installed:
        find = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name != "hdiffpatch" and find(name))
    report = device.update()
    assert device.data() == reordered(data, 30) and report.traffic.full == 0
    assert report.traffic.delta == (other if installed else residual).bytes


def test_a_second_delta_is_served_where_it_saves_more_than_its_entry_costs(site):
    site.release(made_model(0))
    assert [way.codec for way in site.release(made_model(1)).chosen] == ["full", "residual"]
    assert worth_serving({"residual": 5000, "hdiffpatch": 4600}, 9000) == ["residual"]
    assert worth_serving({"residual": 300, "hdiffpatch": 40}, 9000) == ["residual"]
    assert worth_serving({"residual": 9000, "hdiffpatch": 4000}, 9000) == ["hdiffpatch"]
    assert worth_serving({"residual": 9000, "hdiffpatch": 9100}, 9000) == []


@pytest.fixture
def compressible():
    """Two files of which a third is zeros, as golden vectors of large pictures nearly are."""
    files = []
    for seed in (0, 1):
        file = read_model_file(made_model(seed))
        flatbuffer = file.flatbuffer + bytes(10_000)
        contract = describe(flatbuffer, file.labels, file.golden, name="zeros", image=PREPROCESSING)
        files.append(write_model_file(flatbuffer, contract, file.labels, file.golden))
    return files


def test_first_contact_by_the_packed_file_and_then_deltas(site, device, compressible):
    first, second = compressible
    made = site.release(first)
    assert [way.codec for way in made.chosen] == ["full", "full, packed"]
    report = device.update()
    assert (report.state, device.data()) == (UpdateState.UPDATED, first)
    assert (report.traffic.full, report.traffic.delta) == (made.chosen[1].bytes, 0)
    assert report.traffic.full < 0.75 * len(first)
    made = site.release(second)
    report = device.update()
    assert (device.data(), report.traffic.full) == (second, 0)
    assert report.traffic.delta == made.chosen[1].bytes < 0.1 * len(second)
    assert verify(site.repository) == []


def test_A1_one_bit_of_the_packed_file_costs_the_whole_one(site, device, compressible):
    made = site.release(compressible[0])
    (path,) = (site.folder / "targets").glob("*.packed")
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    report = device.update()
    assert (report.state, device.data()) == (UpdateState.UPDATED, compressible[0])
    assert report.traffic.full == made.chosen[0].bytes + made.chosen[1].bytes


def test_D1_a_base_that_was_changed_on_the_device(site, device):
    site.release(made_model(0))
    device.update()
    path = device.store.slot_path("a")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    site.release(made_model(1))
    report = device.update()
    assert (report.state, report.traffic.delta, device.data()) == (UpdateState.UPDATED, 0, made_model(1))


def test_A11_a_release_for_another_input_size(site, device):
    site.release(made_model(0))
    device.update()
    other = made_model(1, image=Preprocessing((16, 16), "shorter", 0.9, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)))
    site.release(other)
    report = device.update()
    assert (report.state, report.release) == (UpdateState.UP_TO_DATE, 1)
    assert not any("release-2" in path for path, _ in site.requests)


def test_A11_a_release_for_a_microcontroller(site, device):
    site.release(made_model(0))
    site.release(made_model(1), target="micro")
    assert device.update().release == 1  # at first contact too
    site.release(made_model(2), target="micro")
    before = len(site.requests)
    report = device.update()
    assert (report.state, report.release, device.data()) == (UpdateState.UP_TO_DATE, 1, made_model(0))
    assert not any("targets/" in path for path, _ in site.requests[before:])
    promote(site.repository, 1, 0, site.keys)
    other = Device(device.store.folder.parent / "new", site)
    assert other.update().state is UpdateState.NOT_IN_ROLLOUT


@pytest.mark.parametrize(
    "lie",
    [{"task": "detection"}, {"input_size": [24, 20]}, {"target": "micro"}],
    ids=lambda lie: next(iter(lie)),
)
def test_A11_a_file_that_is_not_of_the_class_that_was_signed_for_it(site, device, lie):
    """The class is wrong for all releases, so that a device takes it for its own at first contact."""
    site.release(made_model(0))
    with site.repository.locked():
        entries = dict(site.repository.targets().signed.targets)
        custom = entries["release-1.tflite"].unrecognized_fields["custom"]
        custom["device"] = {**custom["device"], **lie}
        site.repository.publish(entries, site.keys)
    report = device.update()
    assert (report.state, device.store.state().active) == (UpdateState.INCOMPATIBLE, "")
    before = len(site.requests)
    assert device.update().state in (UpdateState.FAILED_BEFORE, UpdateState.INCOMPATIBLE)
    assert not any("targets/" in path for path, _ in site.requests[before:])


def test_deltas_stay_while_a_device_may_take_them(site, device, tmp_path):
    def deltas():
        rows = report(site.repository)
        return {one.number: len(one.deltas) for one in rows}

    site.release(made_model(0))
    device.update()
    site.release(made_model(1), rollout=10)
    site.release(made_model(2), rollout=0, memory=1 << 20)
    assert deltas() == {3: 2, 2: 1, 1: 0}
    promote(
        site.repository, 3, 100, site.keys
    )  # of less memory than a megabyte a device goes on to release 2
    assert deltas() == {3: 2, 2: 1, 1: 0}
    promote(site.repository, 2, 100, site.keys)
    small = Device(tmp_path / "small", site)
    assert small.update(memory=1000).release == 2 and device.update().release == 3
    site.release(made_model(3))
    assert deltas() == {4: 3, 3: 0, 2: 0, 1: 0}
    found = device.update()
    assert found.release == 4 and found.traffic.full == 0 and verify(site.repository) == []
    rollback(site.repository, 1, site.keys)
    assert device.update().traffic.full == 0 and device.data() == made_model(0)


def test_A11_a_release_that_demands_more_memory_is_passed_over(site, device):
    site.release(made_model(0))
    site.release(made_model(1), memory=1 << 30)
    assert device.update(memory=(1 << 30) - 1).release == 1
    rollback(site.repository, 2, site.keys)  # what it demands stays with its bytes
    assert device.update(memory=(1 << 30) - 1).state == "UP_TO_DATE"
    assert (report := device.update(memory=1 << 30)).state == "UPDATED" and report.release == 3
    site.release(made_model(2), memory=1 << 50)
    assert device.update().release == 3, "this machine has no petabyte"
    with pytest.raises(UserError, match="--memory"):
        site.release(made_model(3), memory=(1 << 50) + 1)


def test_a_device_without_the_memory_of_any_release(site, device):
    site.release(made_model(0), memory=2000)
    report = device.update(memory=1000)
    assert report.state == "INCOMPATIBLE" and "1,000 bytes of memory" in report.sentence


def test_F1_a_rollout_reaches_its_buckets_and_a_halted_one_nobody(site, device):
    site.release(made_model(0))
    device.update()
    at = bucket(device.store.state().device_id, 2)
    site.release(made_model(1), rollout=0)
    assert device.update().release == 1
    promote(site.repository, 2, int(at), site.keys)  # the device is just above it, or exactly at it
    assert device.update().release == 1
    promote(site.repository, 2, min(100, int(at) + 1), site.keys)
    assert device.update().release == 2
    promote(site.repository, 2, 0, site.keys)
    assert device.update().release == 2  # who has it keeps it until a rollback


def test_buckets_are_spread_evenly_and_anew_for_every_release():
    where = [bucket(f"device {n}", 1) for n in range(4000)]
    assert abs(sum(one < 10 for one in where) - 400) < 80 and min(where) >= 0 and max(where) < 100
    again = [bucket(f"device {n}", 2) for n in range(4000)]
    assert abs(sum(a < 10 and b < 10 for a, b in zip(where, again, strict=True)) - 40) < 30


def test_F3_a_rollback_is_a_higher_release_of_earlier_bytes(site, device):
    for seed in (0, 1):
        site.release(made_model(seed))
        device.update()
    rollback(site.repository, 1, site.keys)
    report = device.update()
    assert (report.release, device.data(), device.store.state().floor) == (3, made_model(0), 3)
    assert report.traffic.full == report.traffic.delta == 0  # it lay in the other slot


def test_an_update_no_smaller_than_the_file_is_refused(site):
    site.release(made_model(0))
    with pytest.raises(UserError, match="an update of at most"):
        site.release(made_model(7, unlike=True))
    assert site.release(made_model(7, unlike=True), allow_full=True).release == 2


def test_M1_a_release_that_fails_is_not_tried_again_until_a_newer_one(site, device):
    site.release(made_model(0))
    device.update()
    site.release(made_model(1))

    def fails(data):
        raise UpdateFailure(UpdateState.SELFTEST_FAILED, "no")

    assert device.update(check=fails).state is UpdateState.SELFTEST_FAILED
    assert device.data() == made_model(0)
    before = len(site.requests)
    assert device.update().state is UpdateState.FAILED_BEFORE
    assert not any("targets/" in path for path, _ in site.requests[before:])
    site.release(made_model(2))
    assert (device.update().release, device.data()) == (3, made_model(2))

"""Deltas whose golden outputs the device computes: the file of the signed hash, or a refusal, and another delta."""

import hashlib
import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fleet_models import moved
from tests.deploy.micro.scene_files import scene_file
from tests.edge.update.repositories import Device, Site, made_model
from tests.edge.update.test_delta import mutated
from tformer_edge.contract import read_model_file
from tformer_edge.update.delta import HEADER as DELTA
from tformer_edge.update.delta import make_delta
from tformer_edge.update.model_check import check_model
from tformer_edge.update.recomputed_golden import (
    HEADER,
    VECTOR,
    apply_recomputed,
    make_recomputed,
    smallest_delta,
)
from tformer_edge.update.update_state import UpdateFailure, UpdateState
from tformer_publish import served_deltas


@pytest.fixture(scope="module")
def files():
    """A detector's file, and that of one of whose weights a hundredth has moved."""
    first = scene_file("detection")
    return first, moved(first, 1)


def test_the_target_from_another_release_and_from_nothing(files):
    first, second = files
    golden = sum(len(one.output) for one in read_model_file(second).golden)
    changed = np.frombuffer(read_model_file(first).golden[0].output, np.uint8) != np.frombuffer(
        read_model_file(second).golden[0].output, np.uint8
    )
    assert changed.mean() > 0.1, "the golden outputs are others"
    for base in (first, b""):
        delta = make_recomputed(base, second)
        assert apply_recomputed(base, delta, len(second)) == second
        assert len(delta) < len(make_delta(base, second)) - 0.1 * golden
        assert smallest_delta(base, second) == len(delta)


def test_nothing_to_win():
    data = made_model(0)  # golden outputs of three bytes
    assert make_recomputed(b"", data) is None and make_recomputed(b"", b"no model file") is None
    assert smallest_delta(b"", data) == len(make_delta(b"", data))


def test_a_release_reaches_a_device_by_it_and_by_the_plain_one_where_its_kernels_are_others(
    files, tmp_path, monkeypatch
):
    from tformer_edge.update import recomputed_golden

    first, second = files
    monkeypatch.setattr(served_deltas, "SECOND_SAVES", 50)  # of a small file
    monkeypatch.setattr(served_deltas, "SECOND_SHARE", 0.98)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name != "hdiffpatch" and find(name))
    site = Site(tmp_path / "site")
    site.release(first, check=check_model)
    device = Device(tmp_path / "device", site)
    device.update(check=check_model)
    ways = {way.codec: way.bytes for way in site.release(second, check=check_model).chosen if way.base}
    assert ways.keys() == {"residual", "recomputed"} and ways["recomputed"] < ways["residual"]
    other = Device(tmp_path / "other", site)
    for name in ("slot-a.tflite", "state-1.json", "state-2.json", "trusted-root.json"):
        other.store.folder.mkdir(exist_ok=True)
        (other.store.folder / name).write_bytes((device.store.folder / name).read_bytes())
    report = device.update(check=check_model)
    assert (report.state, device.data()) == (UpdateState.UPDATED, second)
    assert (report.traffic.delta, report.traffic.full) == (ways["recomputed"], 0)

    class Others(recomputed_golden.ProcessRunner):
        def run(self, tensor):
            return [np.roll(one, 1) for one in super().run(tensor)]

    monkeypatch.setattr(recomputed_golden, "ProcessRunner", Others)
    report = other.update(check=check_model)
    assert (report.state, other.data()) == (UpdateState.UPDATED, second)
    assert (report.traffic.delta, report.traffic.full) == (sum(ways.values()), 0)
    site.close()


def test_D2_damaged_deltas(files):
    first, second = files
    good, random = make_recomputed(first, second), np.random.default_rng(3)
    for length in (0, 3, 19, 20, 60, 200, len(good) - 1):
        with pytest.raises(UpdateFailure):
            apply_recomputed(first, good[:length], len(second))
    for _ in range(150):
        try:
            made = apply_recomputed(first, mutated(random, good), len(second))
        except UpdateFailure as error:
            assert error.state is UpdateState.CORRUPT
            continue
        # What is wrong in the vectors' places is the signed hash's to find.
        assert len(made) == len(second)


@settings(max_examples=25)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.tuples(*[st.integers(0, 2**64 - 1)] * 4))
def test_D2_any_numbers(flatbuffer_bytes, count, vector):
    data = made_model(0)
    delta = HEADER.pack(b"TFG1", flatbuffer_bytes, count) + VECTOR.pack(*vector) + make_delta(b"", data)
    with pytest.raises(UpdateFailure):
        apply_recomputed(b"", delta, len(data))


def test_another_base(files):
    first, second = files
    with pytest.raises(UpdateFailure, match="base"):
        apply_recomputed(second, make_recomputed(first, second), len(second))
    assert hashlib.sha256(first).digest() in make_recomputed(first, second)[: 200 + DELTA.size]

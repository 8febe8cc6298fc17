"""Several capacities on a device: published together, opened by name or budget, changed while they serve."""

import dataclasses

import numpy as np
import pytest

from tests.edge.update.repositories import made_model
from tformer_edge.cli import main
from tformer_edge.contract import read_model_file, write_model_file
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.update import capacity_choice, serving
from tformer_edge.update.bundle import make_bundle
from tformer_edge.update.model_check import check_model
from tformer_edge.update.model_store import MAX_TRIALS
from tformer_edge.update.serving import Serving
from tformer_edge.update.update_state import UpdateFailure, UpdateState
from tformer_publish.publish_command import main as publish

# What stands for the speed of each capacity in milliseconds.
SPEEDS = {"L": 9.0, "M": 5.0, "S": 2.0}


def named(file, name):
    contract = dataclasses.replace(file.contract, name=name)
    return write_model_file(file.flatbuffer, contract, file.labels, file.golden)


@pytest.fixture
def capacities(models):
    """Model files by name; all of them answer alike, and say which they are."""
    file = read_model_file((models / "int8-1.tflite").read_bytes())
    return {name: named(file, name) for name in SPEEDS}


@pytest.fixture
def store(site, device, capacities):
    site.release(make_bundle(capacities), check=check_model)
    assert device.update(check=check_model).state is UpdateState.UPDATED
    return device.store


def name_of(model):
    return model.file.contract.name


def test_open_by_name(store):
    for asked, name in ((None, "L"), ("best", "L"), ("fastest", "S"), ("M", "M")):
        with store.open(asked) as model:
            assert name_of(model) == name == store.capacity
    with pytest.raises(UserError, match="one of L, M, S, best, fastest"):
        store.open("XL")
    with pytest.raises(UserError, match="both"):
        store.open("L", budget_ms=3)
    with pytest.raises(UserError, match="above 0"):
        store.open(budget_ms=0)


def test_open_by_what_is_measured_here(store, monkeypatch):
    for budget in (1e6, 1e5):
        with store.open(budget_ms=budget) as model:
            assert name_of(model) == "L"
    with pytest.raises(
        UserError, match=r"budget_ms: expected a capacity within 1e-06 ms, received .* ms of S"
    ):
        store.open(budget_ms=1e-6)
    monkeypatch.setattr(capacity_choice, "median_ms", lambda model: SPEEDS[name_of(model)])
    for budget, name in ((9, "L"), (8.9, "M"), (2, "S")):
        with store.open(budget_ms=budget) as model:
            assert name_of(model) == name


def test_reload_changes_capacity_and_release_and_keeps_what_is_wanted(
    store, site, device, capacities, photos
):
    model = store.open("M")
    assert store.reload(model) is model and store.reload(model, "M") is model
    small = store.reload(model, "fastest")
    assert name_of(small) == "S"
    with pytest.raises(UserError, match="closed"):
        model.predict(photos[0])
    with pytest.raises(UserError, match="XL"):
        store.reload(small, "XL")
    small.predict(photos[0])  # what answered goes on
    site.release(make_bundle(dict(list(capacities.items())[:2])), allow_full=True)
    device.update()
    newer = store.reload(small)
    assert name_of(newer) == "M"
    newer.close()


def test_another_capacity_of_a_release_on_trial_is_no_further_opening(store, site, device, capacities):
    site.release(make_bundle({"L": capacities["L"], "S": capacities["S"]}), allow_full=True)
    device.update(trial=True)
    model = store.open()
    for _ in range(2 * MAX_TRIALS):
        model = store.reload(model, "fastest" if name_of(model) == "L" else "best")
    assert store.state().trial == 1
    store.confirm()
    assert store.state().trial == -1
    model.close()


def test_an_only_capacity_is_best_and_fastest(site, device, models):
    site.release((models / "int8-1.tflite").read_bytes(), check=check_model)
    device.update(check=check_model)
    for options in ({}, {"capacity": "best"}, {"capacity": "fastest"}, {"budget_ms": 1e6}):
        with device.store.open(**options) as model:
            assert name_of(model) == "tiny" and device.store.capacity == ""


def test_a_release_changes_by_a_delta_of_the_bundle(site, device):
    first = make_bundle({"L": made_model(0), "S": made_model(0, unlike=True)})
    second = make_bundle({"L": made_model(1), "S": made_model(0, unlike=True)})
    site.release(first)
    device.update()
    site.release(second)
    report = device.update()
    assert report.state is UpdateState.UPDATED and device.data() == second
    assert report.traffic.full == 0 and report.traffic.delta < len(second) / 10


def test_one_bad_capacity_keeps_the_whole_release_out(site, device):
    site.release(made_model(0))
    device.update()
    site.release(make_bundle({"L": made_model(1), "S": made_model(2)}), allow_full=True)
    seen = []

    def fails(data):
        seen.append(data)
        if data == made_model(2):
            raise UpdateFailure(UpdateState.SELFTEST_FAILED, "no")

    assert device.update(check=fails).state is UpdateState.SELFTEST_FAILED
    assert seen == [made_model(1), made_model(2)] and device.data() == made_model(0)
    assert device.update().state is UpdateState.FAILED_BEFORE


def test_a_signed_bundle_that_is_none_is_not_tried_again(site, device):
    site.release(made_model(0))
    device.update()
    good = make_bundle({"L": made_model(1), "S": made_model(2)})
    # The publisher's own check would refuse it: as somebody signs it who has the key and another program.
    broken = good[:-30] + b"x" * 14 + good[-16:]
    with pytest.raises(UpdateFailure):
        site.release(broken, allow_full=True)
    from tformer_publish import releases

    device_class = {"task": "classification", "input_size": [12, 10], "target": "litert"}
    releases._publish(site.repository, broken, site.keys, 100, device_class, 0, allow_full=True)
    assert device.update().state is UpdateState.SELFTEST_FAILED and device.data() == made_model(0)
    assert device.update().state is UpdateState.FAILED_BEFORE


def test_what_does_not_belong_together_is_not_published(site, models):
    other = made_model(1, image=Preprocessing((16, 16), "shorter", 0.9, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)))
    with pytest.raises(UserError, match="capacities for"):
        site.release(make_bundle({"L": made_model(0), "S": other}))
    with pytest.raises(UserError, match="labels of L"):
        site.release(make_bundle({"L": made_model(0), "S": (models / "int8-1.tflite").read_bytes()}))


def test_the_commands(tmp_path, capacities, site, device, capsys, monkeypatch):
    monkeypatch.setenv("TFORMER_PASSPHRASE", "twelve words")
    for name, data in capacities.items():
        (tmp_path / f"{name}.tflite").write_bytes(data)
    repository, keys = str(tmp_path / "repository"), ["--keys", str(tmp_path / "keys")]
    assert publish(["init", "--to", repository, *keys]) == 0
    files = [f"big={tmp_path}/L.tflite", f"{tmp_path}/S.tflite"]
    assert publish(["release", *files, "--to", repository, *keys]) == 0
    assert publish(["release", files[1], files[1], "--to", repository, *keys]) == 2
    assert "S twice" in capsys.readouterr().err
    site.folder = tmp_path / "repository"
    root = str(tmp_path / "repository" / "metadata" / "1.root.json")
    folder = str(device.store.folder)
    assert main(["update", site.url, "--store", folder, "--root", root, "--no-trial"]) == 0
    assert main(["status", "--store", folder]) == 0
    told = capsys.readouterr().out
    assert "big: " in told and "S: " in told and "of them stored" in told


class Device:
    """Time that passes with each prediction, as SPEEDS and `slower` say."""

    def __init__(self, monkeypatch):
        self.now, self.slower, self.answered = 0.0, 1.0, []
        real = serving.Model.predict

        def predict(model, image, **options):
            self.now += 1e-3 * self.slower * SPEEDS[name_of(model)]
            self.answered.append(name_of(model))
            return real(model, image, **options)

        monkeypatch.setattr(serving.Model, "predict", predict)
        monkeypatch.setattr(serving, "median_ms", lambda model: SPEEDS[name_of(model)])

    def clock(self):
        return self.now


def served(serving_, image, count):
    for _ in range(count):
        serving_.predict(image)
        serving_.wait()


def test_a_slower_device_gets_a_smaller_capacity_and_the_larger_one_back_without_a_missed_image(
    store, monkeypatch, photos
):
    device = Device(monkeypatch)
    with Serving(store, 10, window=4, clock=device.clock) as serving_:
        said = serving_.predict(photos[0])
        assert serving_.capacity == "L"
        device.slower = 3  # 27 ms of L, 15 of M, 6 of S: two steps down
        served(serving_, photos[0], 14)
        assert serving_.capacity == "S"
        device.slower = 1.7  # 8.5 ms of M would be more than 80 % of the budget
        served(serving_, photos[0], 10)
        assert serving_.capacity == "S"
        device.slower = 0.8
        served(serving_, photos[0], 12)
        assert serving_.capacity == "L"
        assert len(device.answered) == 37 and {*device.answered} == {"L", "M", "S"}
        assert np.allclose(serving_.predict(photos[0]).probability, said.probability)


def test_serving_begins_with_what_is_within_the_budget_or_else_the_fastest(store, monkeypatch):
    device = Device(monkeypatch)
    for budget, name in ((100, "L"), (5, "M"), (1, "S")):
        with Serving(store, budget, clock=device.clock) as serving_:
            assert serving_.capacity == name
    for wrong in ({"budget_ms": 0}, {"budget_ms": 5, "window": 0}):
        with pytest.raises(UserError):
            Serving(store, **wrong)


def test_serving_takes_up_a_newer_release_and_outlives_one_that_cannot_be_opened(
    store, site, device, capacities, monkeypatch, photos
):
    simulated = Device(monkeypatch)
    with Serving(store, 100, every=0.05, clock=simulated.clock) as serving_:
        serving_.predict(photos[0])
        assert serving_.capacity == "L"
        site.release(make_bundle({"M": capacities["M"], "S": capacities["S"]}), allow_full=True)
        device.update()
        served(serving_, photos[0], 12)
        assert serving_.capacity == "M" and serving_.failure == ""
        site.release(capacities["S"], allow_full=True)
        device.update()
        with monkeypatch.context() as patched:
            patched.setattr(
                store, "bundle", lambda: (_ for _ in ()).throw(UpdateFailure(UpdateState.CORRUPT, "rot"))
            )
            served(serving_, photos[0], 12)
            assert serving_.capacity == "M" and "rot" in serving_.failure
        served(serving_, photos[0], 12)
        assert serving_.capacity == ""  # the only one


def test_a_release_that_fails_while_it_is_taken_up_is_given_back_and_never_confirmed(
    store, site, device, capacities, monkeypatch, photos
):
    simulated = Device(monkeypatch)
    with Serving(store, 100, every=0.01, clock=simulated.clock) as serving_:
        site.release(make_bundle({"M": capacities["M"], "S": capacities["S"]}), allow_full=True)
        device.update(trial=True)

        def fails(model):
            raise UserError("a model that runs", "none", "wait")

        monkeypatch.setattr(serving, "median_ms", fails)
        for _ in range(2 * (MAX_TRIALS + 1)):
            served(serving_, photos[0], 1)
            store.confirm()
        assert name_of(serving_._now.model) == "L" and "a model that runs" in serving_.failure
        monkeypatch.setattr(serving, "median_ms", lambda model: SPEEDS[name_of(model)])
        served(serving_, photos[0], 4)
        assert store.state().failed == (2,) and serving_.capacity == "L"

"""The simulated fleet's parts: kinds of requests, wrong clocks, a killed download, and what a device answers with."""

import hashlib
import shutil
import time

import pytest

from benchmarks.fleet import main
from benchmarks.fleet_devices import Visit, Wave, visit_all, working
from benchmarks.fleet_server import Answered, Nginx
from tests.edge.update.repositories import Site, made_model
from tformer_edge.errors import UserError
from tformer_publish.releases import promote


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path / "site")
    yield made
    made.close()


def test_F2_twenty_devices_with_their_troubles(site, tmp_path):
    models = [made_model(seed) for seed in range(2)]
    tested = {hashlib.sha256(model).hexdigest(): "" for model in models}
    wave = Wave(site.url, site.root(), tested)
    folders = [str(tmp_path / "devices" / str(number)) for number in range(20)]
    site.release(models[0])
    first = visit_all(wave, [Visit(folder, killed=number < 3) for number, folder in enumerate(folders)])
    assert {one.state for one in first} == {"UPDATED"} and [one.interrupted for one in first].count(True) == 3
    site.release(models[1], rollout=0)
    assert {one.state for one in visit_all(wave, [Visit(folder) for folder in folders])} == {"UP_TO_DATE"}
    assert {working(folder) for folder in folders} == {1}
    # Release 2 is on trial after an update; the noise in it cannot be opened, so that only refusals are looked at here.
    promote(site.repository, 2, 100, site.keys)
    before = time.time()
    (ahead,) = visit_all(wave, [Visit(folders[0], clock=365.0)])
    assert ahead.state == "FREEZE" and working(folders[0]) == 1
    assert abs(time.time() - before) < 3600  # the clock is right again


def test_a_failed_self_test_is_given_to_the_device_by_name(site, tmp_path):
    data = made_model()
    site.release(data)
    wave = Wave(site.url, site.root(), {hashlib.sha256(data).hexdigest(): "expected golden outputs"})
    assert [one.state for one in visit_all(wave, [Visit(str(tmp_path / "device"))])] == ["SELFTEST_FAILED"]


def test_kinds_of_requests():
    kinds = [
        Answered(path, 200, 1, 0.0).kind
        for path in (
            "/metadata/2.root.json",
            "/targets/ab.release-2-from-1.delta",
            "/targets/ab.release-2.tflite",
        )
    ]
    assert kinds == ["metadata", "delta", "full"]


def test_without_nginx_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda *args, **options: None)
    with pytest.raises(UserError, match="apt-get install nginx"):
        Nginx(tmp_path, tmp_path)


def test_mistakes_end_with_two(tmp_path, capsys):
    assert main([str(tmp_path / "none.tflite")]) == 2
    assert "expected a model file" in capsys.readouterr().err

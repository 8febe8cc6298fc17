"""N1 and N2 through the whole of an update: who downloads ends or who serves does, and every byte comes once."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.edge.update.repositories import QUICK, made_model, start_of
from tformer_edge.update import download as download_module
from tformer_edge.update.update_state import UpdateState

ROOT = Path(__file__).parents[3]


@pytest.fixture
def model(site):
    """A release that nothing is on the device for."""
    data = made_model(0)
    site.release(data)
    return data


def part_of(site, device):
    (target,) = (site.folder / "targets").glob("*.tflite")
    return device.store.folder / "staging" / f"{target.name.split('.')[0]}.part"


def test_N1_an_updater_that_is_killed_half_way_goes_on_when_it_is_started_again(
    site, device, model, tmp_path
):
    half, part, started = len(model) // 2, part_of(site, device), []

    def answer(handler, path):
        if "targets/" not in path:
            return False
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(model)))
        handler.end_headers()
        handler.wfile.write(model[:half])
        handler.wfile.flush()
        until = time.monotonic() + 60
        while (not part.exists() or part.stat().st_size < half) and time.monotonic() < until:
            time.sleep(0.01)
        started[0].send_signal(signal.SIGKILL)
        started[0].wait()
        handler.close_connection = True
        return True

    site.answer = answer
    root = tmp_path / "root.json"
    root.write_bytes(site.root())
    command = ["-m", "tformer_edge.cli", "update", site.url, "--store", device.store.folder, "--root", root]
    started.append(subprocess.Popen([sys.executable, *map(str, command)], cwd=ROOT))
    assert started[0].wait(120) == -signal.SIGKILL
    assert part.read_bytes() == model[:half] and device.store.state().active == ""
    site.answer = None
    report = device.update(root=None)
    assert (report.state, device.data()) == (UpdateState.UPDATED, model)
    assert report.traffic.full == len(model) - half
    assert site.requests[-1][1] == f"bytes={half}-"


def test_N1_a_server_that_restarts_during_a_download(site, device, model):
    half, port = len(model) // 2, site.server.server_port

    def answer(handler, path):
        if "targets/" not in path:
            return False
        site.answer = None
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(model)))
        handler.end_headers()
        handler.wfile.write(model[:half])
        site.close()
        handler.close_connection = True
        site.start(port)
        return True

    site.answer = answer
    report = device.update()
    assert (report.state, device.data()) == (UpdateState.UPDATED, model)
    assert report.traffic.full == len(model)
    assert site.requests[-1][1] == f"bytes={half}-"


def test_N1_pauses_double_and_are_spread_by_chance(site, device, model, monkeypatch):
    pauses = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append)
    site.answer = lambda handler, path: "targets/" in path and site.send(handler, 503, b"")
    patience = type(QUICK)(attempts=6, pause=1.0)
    assert device.update(patience=patience).state is UpdateState.NETWORK
    assert len(pauses) == 5
    for number, pause in enumerate(pauses):
        assert 0.5 * 2**number <= pause <= 2**number
    assert len({pause / 2**number for number, pause in enumerate(pauses)}) == 5


def test_N2_the_rest_of_another_file_is_never_taken_for_this_ones(site, device, model):
    part = part_of(site, device)
    device.store.create()
    part.write_bytes(model[:5000])

    def changed(handler, path):
        start = start_of(handler)
        if "targets/" not in path or not start:
            return False
        other = bytes(len(model) - start)
        span = {"Content-Range": f"bytes {start}-{len(model) - 1}/{len(model)}", "ETag": '"another"'}
        return site.send(handler, 206, other, span)

    site.answer = changed
    assert device.update().state is UpdateState.CORRUPT
    assert device.store.state().active == "" and not part.exists()
    report = device.update()  # the server is as it was: asked from the beginning, it gives the right file
    assert (report.state, report.traffic.full, device.data()) == (UpdateState.UPDATED, len(model), model)


def test_N2_a_rest_that_ends_early_by_its_own_account(site, device, model):
    part = part_of(site, device)
    device.store.create()
    part.write_bytes(model[:5000])

    def pieces(handler, path):
        start = start_of(handler)
        if "targets/" not in path or not start:
            return False
        end = min(start + 4000, len(model))
        return site.send(
            handler, 206, model[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(model)}"}
        )

    site.answer = pieces
    report = device.update()
    assert (report.state, device.data()) == (UpdateState.UPDATED, model)
    assert report.traffic.full == len(model) - 5000

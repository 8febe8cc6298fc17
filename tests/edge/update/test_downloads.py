"""Hostile and broken servers: each byte once, never two answers spliced, an end to patience."""

import contextlib
import dataclasses
import time

import pytest

from tests.edge.update.repositories import QUICK, start_of
from tformer_edge.update.download import download
from tformer_edge.update.update_state import UpdateFailure, UpdateState

DATA = bytes(range(256)) * 400


@pytest.fixture
def path(site, tmp_path):
    (site.folder / "targets" / "file").write_bytes(DATA)
    return tmp_path / "part"


def fetch(site, path, name="targets/file"):
    counts = []
    download(site.url + name, path, len(DATA), QUICK, counts.append)
    assert path.read_bytes() == DATA
    return sum(counts)


def cut(site, places):
    """Answers that end early, one for each of `places`; then whole ones."""
    left = list(places)

    def answer(handler, path):
        if not left:
            return False
        start = start_of(handler)
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        handler.send_header("Content-Length", str(len(DATA) - start))
        handler.end_headers()
        handler.wfile.write(DATA[start : left.pop(0)])
        handler.close_connection = True
        return True

    site.answer = answer


@pytest.mark.parametrize(
    "places",
    [[0], [1], [len(DATA) // 100], [len(DATA) // 2], [len(DATA) - 1], [n * 5000 for n in range(1, 21)]],
    ids=["0", "1 byte", "1 %", "50 %", "last byte", "20 cuts"],
)
def test_N1_a_cut_download_goes_on_where_it_was(site, path, places):
    cut(site, places)
    assert fetch(site, path) == len(DATA)
    assert len(site.requests) == len(places) + 1


def test_N1_gives_up_when_attempts_bring_nothing_and_goes_on_the_next_time(site, path):
    cut(site, [7000] * 9)
    with pytest.raises(UpdateFailure, match="received 7000") as error:
        fetch(site, path)
    assert error.value.state is UpdateState.NETWORK and len(site.requests) == 1 + QUICK.attempts
    site.answer = None
    assert fetch(site, path) == len(DATA) - 7000


def range_of(total=102400, shift=0):
    return lambda start: {"Content-Range": f"bytes {start + shift}-{len(DATA) - 1}/{total}"}


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, lambda start: {}),
        (206, range_of(shift=1)),
        (206, range_of(total=len(DATA) + 1)),
        (206, lambda start: {}),
        (206, lambda start: {"Content-Type": "multipart/byteranges; boundary=x"}),
        (416, lambda start: {}),
    ],
    ids=["Range ignored", "wrong start", "wrong total", "no range", "multipart", "416"],
)
def test_N2_a_resumption_answered_wrongly_begins_again(site, path, status, headers):
    path.write_bytes(DATA[:5000])

    def answer(handler, name):
        start = start_of(handler)
        if not start:
            return False
        return site.send(handler, status, DATA if status == 200 else b"\xff" * 9000, headers(start))

    site.answer = answer
    assert fetch(site, path) == len(DATA)


def test_N2_a_range_that_was_not_asked_for(site, path):
    site.answer = lambda handler, name: site.send(handler, 206, DATA[9:], range_of(shift=9)(0))
    with pytest.raises(UpdateFailure):
        fetch(site, path)
    assert path.stat().st_size == 0


@pytest.mark.parametrize(
    ("status", "requests"), [(403, 1), (404, 1), (410, 1), (408, 3), (429, 3), (500, 3), (503, 3)]
)
def test_N3_statuses(site, path, status, requests):
    site.answer = lambda handler, name: site.send(handler, status, b"<html>")
    with pytest.raises(UpdateFailure, match=str(status)) as error:
        fetch(site, path)
    assert error.value.state is UpdateState.NETWORK and len(site.requests) == requests


def test_N3_retry_after_is_obeyed_or_the_deadline_ends_it(site, path):
    site.answer = lambda handler, name: site.send(handler, 503, b"", {"Retry-After": "3000"})
    with pytest.raises(UpdateFailure, match="503"):
        fetch(site, path)
    assert len(site.requests) == 1


def test_N3_retry_after_is_waited_for(site, path, monkeypatch):
    pauses, answers = (
        [],
        [(503, {"Retry-After": "3"}), (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})],
    )
    monkeypatch.setattr(time, "sleep", pauses.append)
    site.answer = lambda handler, name: bool(answers) and site.send(handler, *_with_body(answers.pop(0)))
    assert fetch(site, path) == len(DATA)
    assert pauses[0] == 3.0 and pauses[1] < 1  # of a date, which this clock may not know, the usual pause


def _with_body(answer):
    status, headers = answer
    return status, b"later", headers


def test_N3_redirects_are_followed_within_a_scheme_and_not_for_ever(site, path):
    def answer(handler, name):
        status = 301 if name == "/moved" else 302
        goal = {
            "/moved": "/targets/file",
            "/loop": "/loop",
            "/out": "ftp://127.0.0.1/x",
            "/file": "file:///etc/passwd",
        }
        return name in goal and site.send(handler, status, b"", {"Location": goal[name]})

    site.answer = answer
    assert fetch(site, path, "moved") == len(DATA)
    for name in ("loop", "out", "file"):
        path.unlink()
        with pytest.raises(UpdateFailure):
            fetch(site, path, name)
        path.touch()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "models", "http://"])
def test_N3_other_schemes(url, tmp_path):
    with pytest.raises(UpdateFailure, match="URL of http"):
        download(url, tmp_path / "x", 10, QUICK)


def test_N3_no_server_and_no_name(device, site):
    site.close()
    assert device.update().state is UpdateState.NETWORK


def test_N3_a_captive_portal(device, site):
    site.answer = lambda handler, name: site.send(handler, 200, b"<html>pay here</html>")
    assert device.update().state is UpdateState.CORRUPT


def test_N3_a_missing_next_root_is_no_error_but_a_500_is(device, site):
    site.answer = lambda handler, name: "2.root.json" in name and site.send(handler, 500, b"")
    assert device.update().state is UpdateState.NETWORK
    site.answer = lambda handler, name: "2.root.json" in name and site.send(handler, 403, b"")
    assert device.update().state is UpdateState.INCOMPATIBLE  # nothing was released yet


def trickle(site, gap):
    """A kilobyte every `gap` seconds: faster than the minimum rate, and too slow for the whole."""

    def answer(handler, name):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(DATA)))
        handler.end_headers()
        with contextlib.suppress(OSError):
            for place in range(0, len(DATA), 1024):
                handler.wfile.write(DATA[place : place + 1024])
                time.sleep(gap)
        handler.close_connection = True
        return True

    site.answer = answer


def test_A12_a_server_that_is_just_fast_enough_meets_the_deadline(site, path):
    trickle(site, 0.02)
    patience = dataclasses.replace(QUICK, deadline=0.5)
    begun = time.monotonic()
    with pytest.raises(UpdateFailure, match="deadline") as error:
        download(site.url + "targets/file", path, len(DATA), patience)
    assert error.value.state is UpdateState.SLOW and time.monotonic() - begun < 5
    size = path.stat().st_size
    assert 0 < size < len(DATA) and path.read_bytes() == DATA[:size]
    site.answer = None
    assert fetch(site, path) == len(DATA) - size


def test_A12_slow_metadata(device, site):
    def answer(handler, name):
        if "timestamp" not in name:
            return False
        handler.send_response(200)
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(100):
                handler.wfile.write(b" ")
                time.sleep(0.1)
        handler.close_connection = True
        return True

    site.answer = answer
    assert device.update().state is UpdateState.SLOW

"""What a device says of releases in a server's log: each once, when it is certain, and never who it is."""

import dataclasses
import hashlib
import json

import pytest

from tests.edge.update.repositories import made_model
from tformer_edge.cli import main
from tformer_edge.update.outcome_reports import outcomes, report_outcomes
from tformer_edge.update.state_file import DeviceState, parse_state
from tformer_edge.update.update_state import UpdateFailure, UpdateState


def fails(data):
    raise UpdateFailure(UpdateState.SELFTEST_FAILED, "expected golden outputs, received others; wait")


def test_F1_what_works_and_what_failed_is_told_once(site, ready):
    device = ready
    assert report_outcomes(device.store, site.url) == ["1/works"]
    device.update(check=fails)
    asked = len(site.requests)
    assert report_outcomes(device.store, site.url.rstrip("/")) == ["2/failed"]
    assert site.requests[asked:] == [("HEAD /reports/2/failed", None)]
    assert report_outcomes(device.store, site.url) == [] and len(site.requests) == asked + 1
    site.release(made_model(2))
    device.update()
    assert report_outcomes(device.store, site.url) == ["3/works"]
    assert device.store.state().reported == ("2/failed", "3/works"), "what is over is forgotten"


def test_a_release_on_trial_is_not_said_to_work(site, ready):
    device = ready
    device.update(trial=True)
    assert report_outcomes(device.store, site.url) == []
    device.store.change(trial=-1)
    assert report_outcomes(device.store, site.url) == ["2/works"]


def test_a_trial_that_failed_is_told(site, ready):
    device = ready
    device.update(trial=True)
    with device.store.locked():
        device.store.give_up(device.store.state())
    assert sorted(report_outcomes(device.store, site.url)) == ["1/works", "2/failed"]


@pytest.mark.parametrize(
    ("status", "told"), [(200, True), (404, True), (403, True), (503, False), (429, False)]
)
def test_what_counts_as_told(site, ready, status, told):
    site.answer = lambda handler, path: "reports" in path and site.send(handler, status, b"")
    assert bool(report_outcomes(ready.store, site.url)) is told
    assert bool(ready.store.state().reported) is told
    site.answer = None
    assert report_outcomes(ready.store, site.url) == ([] if told else ["1/works"])


def test_without_a_server_it_is_left_for_the_next_time(site, ready):
    ready.store.change(failed=(1, 2))
    port = site.server.server_port
    site.close()
    assert report_outcomes(ready.store, site.url) == []
    site.start(port)
    assert report_outcomes(ready.store, site.url) == ["1/failed", "2/failed", "1/works"]
    with pytest.raises(UpdateFailure, match="NETWORK"):
        report_outcomes(ready.store, "file:///etc")


def test_the_command_tells_only_where_it_is_asked_to(site, device, capsys):
    site.release(made_model(0))
    device.update()
    command = ["update", site.url, "--store", str(device.store.folder), "--no-trial", "--json"]
    for more, requests in (([], 0), (["--report"], 1), (["--report"], 0)):
        before = len(site.requests)
        assert main([*command, *more]) == 0
        assert json.loads(capsys.readouterr().out)["state"] == "UP_TO_DATE"
        assert sum("reports" in path for path, _ in site.requests[before:]) == requests
    site.answer = lambda handler, path: "reports" in path and site.send(handler, 500, b"")
    device.store.change(reported=())
    assert main([*command, "--report"]) == 0, "a report that does not reach the server is no failed update"


def test_a_state_from_before_there_were_reports_is_read():
    state = DeviceState("device", failed=(3,), reported=("3/failed",))
    assert parse_state(state.to_bytes()) == state
    old = dataclasses.asdict(state)
    del old["reported"]
    body = json.dumps({"schema": 1, **old}).encode()
    read = parse_state(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    assert read == dataclasses.replace(state, reported=())


def test_a_rebuilt_store_says_nothing_of_the_release_that_it_does_not_know(ready):
    state = ready.store.state()
    slots = {name: dataclasses.replace(slot, release=0) for name, slot in state.slots.items()}
    assert outcomes(dataclasses.replace(state, slots=slots)) == []

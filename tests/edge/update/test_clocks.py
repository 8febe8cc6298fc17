"""A5: freezes and wrong clocks: what expired stays out, what cannot be known is told, a right clock mends all."""

import dataclasses
import time

import pytest

from tests.edge.update.repositories import made_model
from tformer_edge.update import trust
from tformer_edge.update.state_file import write_state
from tformer_edge.update.update_state import UpdateState

U = UpdateState


def at(monkeypatch, days):
    """Moves this process's clock, for python-tuf too."""
    import datetime

    from tuf.ngclient._internal import trusted_metadata_set

    shift = days * 86400
    real = time.time

    class Moved(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(real() + shift, tz)

    monkeypatch.setattr(trusted_metadata_set.datetime, "datetime", Moved)
    monkeypatch.setattr(trust.time, "time", lambda: real() + shift)


@pytest.mark.parametrize("days", [8, 365])
def test_A5_freeze_and_a_clock_ahead(site, ready, monkeypatch, days):
    with monkeypatch.context() as patched:
        at(patched, days)
        assert ready.update().state is U.FREEZE and ready.data() == made_model(0)
    assert ready.update().state is U.UPDATED  # recovers when the time is good


def test_A5_a_clock_of_1970_is_told_and_does_not_let_an_expired_one_in(site, ready, monkeypatch):
    at(monkeypatch, -20000)
    report = ready.update()
    assert report.state is U.UPDATED and not report.fresh
    state = ready.store.state()
    later = dataclasses.replace(state, trusted_time=state.trusted_time + 9 * 86400)
    write_state(ready.store.folder, later)
    assert ready.update().state is U.FREEZE


def test_A5_a_clock_that_steps_back(site, ready, monkeypatch):
    with monkeypatch.context() as patched:
        at(patched, 6)  # the timestamp lasts for seven days
        assert ready.update().state is U.UPDATED
    seen = ready.store.state().trusted_time
    report = ready.update()  # back by six days: nobody knows any more, and it is told
    assert (report.state, report.fresh) == (U.UP_TO_DATE, False)
    assert ready.store.state().trusted_time == seen
    with monkeypatch.context() as patched:
        at(patched, 6)
        assert ready.update().fresh

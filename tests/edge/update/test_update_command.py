"""`tformer-edge update --every`: it goes on after failures, and polls are spread by chance."""

import pytest

from tformer_edge.cli import main
from tformer_edge.commands import update as command
from tformer_edge.errors import UserError
from tformer_edge.update.client import Traffic, UpdateReport
from tformer_edge.update.update_state import UpdateState


def test_F2_polls_are_spread_by_chance_and_go_on_after_failures(monkeypatch, capsys):
    states, pauses = [UpdateState.NETWORK, UpdateState.UP_TO_DATE, UpdateState.DISK] * 20, []

    def sleep(seconds):
        pauses.append(seconds)
        if not states:
            raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", sleep)
    monkeypatch.setattr(command, "update", lambda *a, **o: UpdateReport(states.pop(0), 1, Traffic(), True))
    assert main(["update", "http://127.0.0.1/", "--store", "none", "--every", "24h"]) == 130
    assert len(pauses) == 60 and all(0.9 * 86400 <= one <= 1.1 * 86400 for one in pauses)
    assert max(pauses) - min(pauses) > 0.1 * 86400 and len(set(pauses)) == 60
    assert capsys.readouterr().out.count("NETWORK") == 20


@pytest.mark.parametrize("text", ["9s", "24", "1.5h", "0d", "h", "-1h", "1234567d"])
def test_an_interval_that_is_none(text):
    with pytest.raises(UserError, match="--every"):
        command.interval(text)

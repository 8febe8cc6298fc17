"""Ends a program at every operation of a release's trial, by SIGKILL or a power cut, and looks at what is left.

Run as a process of its own (it forks): TEMPLATE WORK MODE STEP → JSON of what was found. TEMPLATE is a store with
release 2 on trial and release 1 behind it.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.edge.update.crash_worker import count_down, forked, power_cut
from tformer_edge.update.model_store import MAX_TRIALS, ModelStore


def opened(store):
    """What a program does first; what it opens need not run here."""
    store.bundle()
    return 0


def confirmed(store):
    store.bundle()
    store.confirm()
    return 0


def given_up(store):
    """The opening that is one too many."""
    store.bundle()
    return 0 if store.state().failed == (2,) else 3


def active(store):
    state = store.state()
    assert store.bytes_of(state, state.active) is not None and state.floor == 2
    return state.slots[state.active].release


def look(name, before, folder):
    """Asserts that a cut-off `name` lost nothing, and that the trial goes on from where it was."""
    store = ModelStore(folder)
    state = store.state()
    if name == "given_up":
        assert (active(store), state.failed, state.trial) in ((2, (), MAX_TRIALS), (1, (2,), -1))
    else:
        assert active(store) == 2 and state.failed == ()
        allowed = {before.trial, before.trial + 1} | ({-1} if name == "confirmed" else set())
        assert state.trial in allowed, f"a trial of {state.trial} after {name}"
    kept = state.trial == -1 and active(store) == 2
    for _ in range(MAX_TRIALS + 1):  # a program that never confirms
        ModelStore(folder).bundle()
    assert active(store) == (2 if kept else 1)
    assert store.state().failed == (() if kept else (2,))


def main():
    template, work, mode, step = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    found = {}
    for action in (opened, confirmed, given_up):
        name, base = action.__name__, work / f"base-{action.__name__}"
        shutil.copytree(template, base, symlinks=True)
        for _ in range(MAX_TRIALS if action is given_up else 1):
            ModelStore(base).bundle()
        before, k = ModelStore(base).state(), 0
        while True:
            folder, journal = work / f"{name}-{k}", work / f"journal-{name}-{k}"
            shutil.copytree(base, folder, symlinks=True)

            def attempt(folder, journal, k, action=action):
                count_down(folder, k, os.open(journal, os.O_WRONLY | os.O_CREAT))
                return action(ModelStore(folder))

            status = forked(attempt, folder, journal, k)
            if os.WIFEXITED(status):
                assert os.WEXITSTATUS(status) == 0, f"{name}: {os.WEXITSTATUS(status)}"
                break
            assert os.WTERMSIG(status) == signal.SIGKILL
            if mode != "kill":
                power_cut([json.loads(line) for line in journal.read_text().splitlines()], mode == "half")
            look(name, before, folder)
            shutil.rmtree(folder)
            k += step
        found[name] = k
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Ends an update at every operation that changes the disk, by SIGKILL or by a power cut, and looks at what is left.

Run as a process of its own (it forks): URL ROOT TEMPLATE WORK MODE STEP → JSON of what was found.

An operation is an opening for writing, a truncation, a flush, a rename, a removal, a link or a folder made; the process
ends just before the k-th. For a power cut, files that were not flushed since they were opened for writing are then cut
to nothing or to half, and renames whose folder was not flushed are taken back.
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.edge.update.repositories import QUICK, passes
from tformer_edge.update.client import update
from tformer_edge.update.model_store import ModelStore

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate"}


def count_down(folder, k, journal):
    """From now on this process ends before its k-th operation below `folder`, and tells of each in `journal`."""
    left, inside, backups = [k], [False], [0]
    prefix = str(folder)

    def operation(line, source=""):
        inside[0] = True
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        os.write(journal, (json.dumps([*line, source]) + "\n").encode())
        inside[0] = False

    def hook(event, args):
        if inside[0]:
            return
        if event == "open" and isinstance(args[0], str) and args[0].startswith(prefix):
            if args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                operation(["write", args[0]])
        elif event in CHANGES and any(
            str(one).startswith(prefix) for one in args if not isinstance(one, int)
        ):
            backup = ""
            if event == "os.rename" and os.path.lexists(args[1]):
                inside[0] = True
                backup = f"{folder}.backup-{backups[0]}"
                backups[0] += 1
                os.link(args[1], backup, follow_symlinks=False)
                inside[0] = False
            operation([event, *(str(one) for one in args if not isinstance(one, int))], backup)

    real_flush = os.fsync

    def flush(descriptor):
        operation(["flush", os.readlink(f"/proc/self/fd/{descriptor}")])
        real_flush(descriptor)

    os.fsync = flush
    sys.addaudithook(hook)


def power_cut(lines, half):
    """What a disk may hold after the operations of `lines` when nothing was written but what was flushed."""
    dirty, renames = set(), []
    for kind, *names, backup in lines:
        if kind == "write":
            dirty.add(names[0])
        elif kind == "flush":
            dirty.discard(names[0])
            renames = [one for one in renames if os.path.dirname(one[1]) != names[0]]
        elif kind == "os.rename":
            if names[0] in dirty:
                dirty.discard(names[0])
                dirty.add(names[1])
            else:
                dirty.discard(names[1])
            renames.append((names[0], names[1], backup))
    for name in dirty:
        if os.path.isfile(name) and not os.path.islink(name):
            os.truncate(name, os.path.getsize(name) // 2 if half else 0)
    for source, target, backup in reversed(renames):
        if os.path.isfile(target):
            os.replace(target, source)
        if backup:
            os.replace(backup, target)


def forked(work, *arguments):
    child = os.fork()
    if child == 0:
        try:
            os._exit(work(*arguments))
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(99)
    _, status = os.waitpid(child, 0)
    return status


def main():
    url, root_file, template, work, mode, step = sys.argv[1:7]
    root, found = Path(root_file).read_bytes(), {"points": 0, "old": 0, "new": 0}
    template, work = Path(template), Path(work)
    before = ModelStore(template).state()

    def attempt(store, journal, k):
        descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT)
        count_down(store.folder, k, descriptor)
        return 0 if update(store, url, root, patience=QUICK, check=passes).state == "UPDATED" else 3

    def again(store):
        report = update(store, url, root, patience=QUICK, check=passes)
        return 0 if report.state in ("UPDATED", "UP_TO_DATE") and report.release == 2 else 4

    k = 0
    while True:
        folder = work / f"device-{k}"
        shutil.copytree(template, folder, symlinks=True)
        store, journal = ModelStore(folder), work / f"journal-{k}"

        status = forked(attempt, store, journal, k)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"not updated: {os.WEXITSTATUS(status)}"
            assert k > 10
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
        if mode != "kill":
            power_cut([json.loads(line) for line in journal.read_text().splitlines()], mode == "half")
        state = store.state()
        assert state.floor >= before.floor and state.failed == ()
        data = store.bytes_of(state, state.active)
        release = state.slots[state.active].release
        assert data is not None, f"no whole model after operation {k}"
        found["old" if release == before.slots[before.active].release else "new"] += 1

        assert forked(again, store) == 0, f"did not recover after operation {k}"
        state = store.state()
        assert store.bytes_of(state, state.active) is not None and state.slots[state.active].release == 2
        assert list((folder / "staging").iterdir()) == []
        assert not [path for path in folder.iterdir() if path.name.startswith(".unfinished-")]
        shutil.rmtree(folder)
        found["points"] += 1
        k += int(step)
    print(json.dumps(found))


if __name__ == "__main__":
    main()

"""Ends a publisher at every operation that changes the disk, and looks at the repository that is left.

Run as a process of its own (it forks): WORK MODE STEP → JSON, {action: {points, old, new}}. MODE is "kill" (SIGKILL),
"zero" (a power cut that loses what was not flushed) or "full" (no room from the k-th opening on); STEP is between k's.
"""

import errno
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from tests.edge.update.crash_worker import count_down, forked, power_cut
from tests.edge.update.repositories import made_model, passes
from tformer_publish.releases import promote, release, report, rollback, verify
from tformer_publish.repository import Repository

NEW = CryptoSigner.generate_ed25519()


def actions(keys):
    """What publishers do, by name; each takes a repository."""
    after = {**keys, "targets": [NEW]}
    old = [keys["targets"][0].public_key.keyid]
    return {
        "release": lambda site: release(site, made_model(2), keys, check=passes),
        "promote": lambda site: promote(site, 2, 50, keys),
        "rollback": lambda site: rollback(site, 1, keys),
        "refresh": lambda site: site.refresh(keys),
        "rotate": lambda site: site.rotate("targets", old, [NEW], after),
    }


def no_room_from(folder, k):
    """From the k-th opening for writing below `folder` on, the disk is full."""
    left = [k]

    def hook(event, args):
        if event == "open" and str(args[0]).startswith(str(folder)) and args[2] & (os.O_WRONLY | os.O_RDWR):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, "No space left on device")

    sys.addaudithook(hook)


def offered(site):
    return [(one.number, one.rollout, one.file.sha256) for one in report(site)]


def main():
    work, mode, step = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    keys = {role: [CryptoSigner.generate_ed25519()] for role in ("root", "targets", "snapshot", "timestamp")}
    template = Repository(work / "template")
    template.create(keys, 1)
    for seed in (0, 1):
        release(template, made_model(seed), keys, check=passes)
    found = {}
    for name, act in actions(keys).items():
        whole = shutil.copytree(template.folder, work / f"whole-{name}")
        act(Repository(whole))
        before, after = offered(template), offered(Repository(whole))
        counts, k = {"points": 0, "old": 0, "new": 0}, 0
        while True:
            folder, journal = work / f"{name}-{k}", work / f"journal-{name}-{k}"
            shutil.copytree(template.folder, folder)
            site = Repository(folder)

            def attempt(site=site, journal=journal, k=k, act=act):
                if mode == "full":
                    no_room_from(site.folder, k)
                    try:
                        act(site)
                    except OSError as error:
                        return 3 if error.errno == errno.ENOSPC else 98
                    return 0
                count_down(site.folder, k, os.open(journal, os.O_WRONLY | os.O_CREAT))
                act(site)
                return 0

            status = forked(attempt)
            if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
                break
            expected = 3 << 8 if mode == "full" else signal.SIGKILL
            assert status == expected, f"{name} ended with {status} at operation {k}"
            if mode == "zero":
                power_cut([json.loads(line) for line in journal.read_text().splitlines()], half=False)
            wrong, left = verify(site), offered(site)
            assert left in (before, after), f"{name}, operation {k}: {left}"
            if name != "rotate":
                assert wrong == [], f"{name}, operation {k}: {wrong}"
            counts["new" if left == after and after != before else "old"] += 1
            act(site)
            assert verify(site) == [], f"{name}, again after operation {k}"
            shutil.rmtree(folder)
            counts["points"] += 1
            k += step
        found[name] = counts
    print(json.dumps(found))


if __name__ == "__main__":
    main()

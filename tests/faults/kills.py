"""Kills four commands at many moments: what comes of a training, a quantization, two writers is equal to the bit.

python -m tests.faults.kills [--kills N] [--commands NAME …]
"""

import argparse
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from tests.faults.commands import COMMANDS
from tests.faults.faults import KILL_AT_FLUSH
from tests.faults.process import ROOT, Fault, environment, run
from tests.faults.workspace import Workspace, make

# Nearly every step writes a checkpoint, so that a kill at any moment is one near a write.
RESUMED = ["--checkpoint-minutes", "0"]
WRITERS, RESUMABLE = ("convert", "micro"), ("train", "quantize")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file whose bytes must be equal: all but those that hold times and dates."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in (".npz", ".keras", ".tflite", ".h", ".cc", ".h5"):
            if "step-" in path.name:  # seconds spent
                continue
            content = path.read_bytes()
            if (
                path.suffix == ".keras"
            ):  # its metadata are a date, and Keras numbers shared objects by their address
                with zipfile.ZipFile(path) as archive:
                    config = re.sub(rb'"shared_object_id": \d+', b"", archive.read("config.json"))
                    content = config + archive.read("model.weights.h5")
            found[str(path.relative_to(folder))] = hashlib.sha256(content).hexdigest()
    return found


def kill_at_random(arguments: list[str], out: Path, kills: int, draw: random.Random) -> int:
    """Starts a command again and again and kills each at a random moment; how many kills met it alive."""
    command = [sys.executable, "-m", "tformer_cli", *arguments[1:]]
    met, whole = 0, 0.0
    while met < kills:
        started = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Its start takes longest: most moments are drawn after the first checkpoint can be there.
        before = set((out / "checkpoints").glob("step-*.npz"))
        while process.poll() is None and not set((out / "checkpoints").glob("step-*.npz")) - before:
            if time.monotonic() - started > whole + 60:
                break
            time.sleep(0.002)
        time.sleep(draw.random() * 0.2)
        if process.poll() is not None:
            return met
        process.kill()
        process.wait()
        met += 1
    return met


def of_resumed(name: str, space: Workspace, folder: Path, kills: int) -> str:
    """A training or quantization that is killed and gone on with, beside one that is not."""
    arguments = [
        *COMMANDS[name](space, folder / "killed"),
        *RESUMED,
        *("--epochs", "8", "--limit-steps", "8"),
    ]
    out = Path(arguments[arguments.index("--out") + 1])
    met = kill_at_random(arguments, out, kills, random.Random(0))
    assert met == kills, f"{name} was done after {met} kills of {kills}: give it more epochs"
    ended = run(arguments)
    assert ended.code == 0, ended.err
    whole = [part.replace("killed", "whole") for part in arguments]
    ended = run(whole)
    assert ended.code == 0, ended.err
    expected, received = digests(folder / "whole"), digests(folder / "killed")
    assert expected and expected == received, f"other bytes: {expected} and {received}"
    return f"{name}: {met} kills, {len(expected)} files equal to the bit"


def of_writer(name: str, space: Workspace, folder: Path) -> str:
    """A command that writes files, killed at each flush: nothing or the whole; the next run leaves nothing behind."""
    arguments = [*COMMANDS[name](space, folder / "whole")]
    (folder / "whole").mkdir()
    assert run(arguments).code == 0
    expected = digests(folder / "whole")
    assert expected
    killed = [part.replace("whole", "killed") for part in arguments]
    (folder / "killed").mkdir()
    kills = 0
    while True:
        ended = run([*killed, "--force"], Fault({"KILL_AT": str(kills + 1)}, KILL_AT_FLUSH))
        for path, digest in digests(folder / "killed").items():
            if not Path(path).name.startswith(".unfinished-"):
                assert expected[path] == digest, f"half of {path}"
        if ended.code != -signal.SIGKILL:
            break
        kills += 1
    assert ended.code == 0, ended.err
    strays = [str(path) for path in (folder / "killed").rglob(".unfinished-*")]
    assert not strays, strays
    assert digests(folder / "killed") == expected
    return f"{name}: {kills} kills, one at each flush; {len(expected)} files equal to the bit, nothing left behind"


def main() -> int:
    """Kills all four."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--kills", type=int, default=20, help="of the training and of the quantization (default: 20)"
    )
    parser.add_argument("--commands", nargs="+", choices=WRITERS + RESUMABLE, default=WRITERS + RESUMABLE)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        space = make(Path(name) / "space")
        for command in args.commands:
            folder = Path(name) / command
            os.makedirs(folder)
            if command in WRITERS:
                print(of_writer(command, space, folder), flush=True)
            else:
                print(of_resumed(command, space, folder, args.kills), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

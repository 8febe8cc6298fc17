"""Runs that are killed, really killed, and gone on with: they must end where the uninterrupted run ends.

`make faults` kills trainings at twenty moments more.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
# 3 epochs of 6 batches of digits, with everything that has state: stochastic depth, EMA, BatchNorm, accumulation,
# the first epoch with a frozen backbone.
ARGUMENTS = [
    "digits",
    "--epochs",
    "3",
    "--limit-steps",
    "6",
    "--batch-size",
    "16",
    "--accumulate",
    "2",
    "--checkpoint-minutes",
    "0",
    "--set",
    "ema_momentum=0.8",
    "--set",
    "clip_norm=1.0",
    "--set",
    "frozen_epochs=1",
    "--set",
    "augmentation.cutmix=1.0",
    "--model-set",
    "width=1.0",
    "--model-set",
    "widths=(16,24)",
    "--model-set",
    "depths=(1,1)",
    "--model-set",
    "stochastic_depth=0.3",
    "--model-set",
    "layer_scale=0.5",
]
# Replaces os.fsync by one that kills the process, half the bytes of a checkpoint written, at the n-th checkpoint.
KILL_WHILE_WRITING = """
import os, signal, sys
calls = 0
true_fsync = os.fsync
def fsync(descriptor):
    global calls
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    if "/.unfinished-" in path and path.endswith(".npz"):
        calls += 1
        if calls == int(os.environ["KILL_AT"]):
            os.truncate(path, os.fstat(descriptor).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
    true_fsync(descriptor)
os.fsync = fsync
"""
MAIN = "import sys\nfrom tformer_cli.main import main\nsys.exit(main())\n"


def command(out: Path, patch: str = "") -> list[str]:
    return [sys.executable, "-c", patch + MAIN, "train", *ARGUMENTS, "--out", str(out)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", **more}


def finish(out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(out), env=environment(), capture_output=True, text=True, timeout=300)


def weights(out: Path) -> dict[str, np.ndarray]:
    """The newest checkpoint's arrays: model, optimizer, averages and seed generators."""
    newest = sorted((out / "checkpoints").glob("step-*.npz"))[-1]
    with np.load(newest) as file:
        return {name: file[name] for name in file.files if name != "state.json"}


def losses(out: Path) -> list[tuple[float, float]]:
    history = (out / "history.csv").read_text().splitlines()
    header = history[0].split(",")
    columns = [header.index(name) for name in ("loss", "val_cross_entropy")]
    return [tuple(float(row.split(",")[column]) for column in columns) for row in history[1:]]  # type: ignore[misc]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "whole"
    done = finish(out)
    assert done.returncode == 0, done.stderr
    return out


def assert_same_run(out: Path, reference: Path) -> None:
    expected, received = weights(reference), weights(out)
    assert expected.keys() == received.keys()
    assert any("seed_generator" in name for name in expected) and any("average" in name for name in expected)
    for name, array in expected.items():
        np.testing.assert_allclose(received[name], array, rtol=0, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(losses(out), losses(reference), rtol=0, atol=1e-6)
    assert json.loads((out / "report.json").read_text())["finished"]


def test_killed_in_the_middle_of_an_epoch_and_while_writing(uninterrupted: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    # Each step writes one: killed in the 3rd, in the middle of an epoch; then in the 5th after that, which is the first
    # of the second epoch, so that the run goes on where the backbone has just thawed.
    for number in ("3", "5"):
        killed = subprocess.run(
            command(out, KILL_WHILE_WRITING),
            env=environment(KILL_AT=number),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert list((out / "checkpoints").glob(".unfinished-*")), "the kill came before anything was written"
    resumed = finish(out)
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming after epoch 1 and 0 steps" in resumed.stdout
    assert_same_run(out, uninterrupted)


def test_interrupt_saves_and_says_how_to_go_on(uninterrupted: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(out), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not list((out / "checkpoints").glob("step-*.npz")):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "give the same command again" in stdout and "Traceback" not in stderr
    resumed = finish(out)
    assert resumed.returncode == 0, resumed.stderr
    assert_same_run(out, uninterrupted)
    again = finish(out)
    assert again.returncode == 0 and "is finished" in again.stdout

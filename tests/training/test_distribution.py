"""Several processes, several devices, and JAX without TensorFlow: the losses of one process on the same batches."""

import csv
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
# TensorFlow is made impossible to import: training on JAX must not need it.
MAIN = (
    "import sys\nsys.modules['tensorflow'] = None\n"
    "from tformer_cli.main import main\nsys.exit(main(sys.argv[1:]))\n"
)
ARGUMENTS = [
    "digits",
    "--epochs",
    "2",
    "--limit-steps",
    "4",
    "--batch-size",
    "8",
    "--set",
    "ema_momentum=0.8",
    "--set",
    "augmentation.cutmix=1.0",
    "--input-size",
    "8",
    "--model-set",
    "width=1.0",
    "--model-set",
    "widths=(16,)",
    "--model-set",
    "depths=(2,)",
    "--model-set",
    "stochastic_depth=0.3",
    "--model-set",
    "layer_scale=0.5",
]


def start(out: Path, *more: str, flags: str = "") -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": str(ROOT),
        "XLA_FLAGS": flags,
        "JAX_PLATFORMS": "cpu",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # to compile is what these take longest for
    }
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, "train", *ARGUMENTS, "--out", str(out), *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
    try:
        stdout, stderr = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == code, stderr
    return stdout, stderr


def losses(out: Path) -> list[list[float]]:
    with open(out / "history.csv") as file:
        return [
            [float(row[name]) for name in ("loss", "top1", "val_cross_entropy")]
            for row in csv.DictReader(file)
        ]


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("distribution") / "alone"
    finish(start(out))
    return out


def test_two_processes_equal_one_and_two_go_on_with_their_run(alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "two"
    options = ["--processes", "2", "--coordinator", f"127.0.0.1:{port()}"]
    first, second = (start(out, *options, "--process-id", str(index)) for index in range(2))
    said, _ = finish(first)
    silent, _ = finish(second)
    assert "saved in" in said
    assert "epoch" not in silent and "saved" not in silent
    np.testing.assert_allclose(losses(out), losses(alone), rtol=0, atol=1e-4)

    # As if both had been killed after the first epoch.
    for name in ("report.json", "history.csv", "model.keras"):
        (out / name).unlink()
    newest = max((out / "checkpoints").glob("step-*.npz"))
    newest.unlink()
    options[-1] = f"127.0.0.1:{port()}"
    first, second = (start(out, *options, "--process-id", str(index)) for index in range(2))
    said, _ = finish(first)
    finish(second)
    assert "resuming after epoch 1" in said
    np.testing.assert_allclose(losses(out), losses(alone), rtol=0, atol=1e-4)


def test_two_devices_equal_one(alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "devices"
    finish(start(out, flags="--xla_force_host_platform_device_count=2"))
    np.testing.assert_allclose(losses(out), losses(alone), rtol=0, atol=1e-4)


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    cases = [
        (
            ["--processes", "2", "--process-id", "2", "--coordinator", "127.0.0.1:1"],
            "",
            "--process-id from 0 to N - 1",
        ),
        (["--batch-size", "9"], "--xla_force_host_platform_device_count=2", "multiple of 2"),
    ]
    for options, flags, expected in cases:
        _, stderr = finish(start(tmp_path / "none", *options, flags=flags), 2)
        assert expected in stderr and "Traceback" not in stderr

"""A run that diverges stops at once, keeps what was good, and says so each time."""

import json
from pathlib import Path

import numpy as np
import pytest

from tformer_cli.main import main

SMALL = [
    "digits", "--batch-size", "16", "--limit-steps", "4", "--input-size", "8", "--model-set", "widths=(16,)",
    "--model-set", "depths=(1,)", "--model-set", "width=1.0", "--checkpoint-minutes", "0",
]  # fmt: skip


def finite_checkpoints(out: Path) -> list[Path]:
    files = sorted((out / "checkpoints").glob("step-*.npz"))
    for path in files:
        with np.load(path) as file:
            assert all(
                np.isfinite(file[name]).all() for name in file.files if file[name].dtype.kind == "f"
            ), path
    return files


def test_a_training_that_diverges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    # So large a rate that the second step's weights overflow float32.
    command = ["train", *SMALL, "--out", str(out), "--learning-rate", "1e30", "--set", "warmup_epochs=0"]
    for _ in range(2):
        assert main(command) == 1
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("tformer: stopped in epoch 1, step ") and "not finite" in error
        assert "--learning-rate" in error
        assert not (out / "report.json").exists() and not (out / "model.keras").exists()
        finite_checkpoints(out)


def test_a_quantization_that_diverges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *SMALL, "--out", str(tmp_path / "float"), "--epochs", "1"]) == 0
    out = tmp_path / "int8"
    command = [
        "quantize",
        str(tmp_path / "float"),
        "--data",
        "digits",
        "--out",
        str(out),
        "--limit-steps",
        "4",
    ]
    command += [
        "--batch-size",
        "16",
        "--learning-rate",
        "1e38",
        "--set",
        "warmup_epochs=0",
        "--set",
        "clip_norm=None",
    ]
    assert main(command) == 1
    assert "not finite" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not (out / "report.json").exists()
    finite_checkpoints(out)


def test_a_good_run_is_left_alone(tmp_path: Path) -> None:
    assert main(["train", *SMALL, "--out", str(tmp_path / "run"), "--epochs", "1"]) == 0
    assert json.loads((tmp_path / "run" / "report.json").read_text())["finished"]
    assert finite_checkpoints(tmp_path / "run")

"""Quantization as a run: killed and gone on with, frozen, calibrated alone, measured again from its folder."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tformer_cli.main import main
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.load import load_dataset
from tformer_keras.data.loader import Loader
from tformer_keras.deploy.int8.quantized_forward import evaluate_quantized, logits_network
from tformer_keras.deploy.int8.quantized_model import load_quantized, quantize_aware
from tformer_keras.tasks.classification import CLASSIFICATION
from tformer_keras.training import callbacks
from tformer_keras.training.checkpoint import save_checkpoint

ROOT = Path(__file__).parents[3]
# 2 epochs of 3 batches with everything that has state: averages, a teacher, ranges that stop in the second epoch.
SHORT = [
    "--data", "digits", "--batch-size", "16", "--calibration-images", "32", "--limit-steps", "3", "--json",
]  # fmt: skip
OPTIONS = [
    *SHORT, "--epochs", "2", "--checkpoint-minutes", "0", "--set", "ema_momentum=0.5",
    "--set", "augmentation.mixup=0.5", "--set", "learning_rate=0.01",
]  # fmt: skip
# Kills the process, half the bytes of a checkpoint written, at the second checkpoint.
KILL_WHILE_WRITING = """
import os, signal
calls = 0
true_fsync = os.fsync
def fsync(descriptor):
    global calls
    path = os.readlink(f"/proc/self/fd/{descriptor}")
    if "/.unfinished-" in path and path.endswith(".npz"):
        calls += 1
        if calls == 2:
            os.truncate(path, os.fstat(descriptor).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
    true_fsync(descriptor)
os.fsync = fsync
import sys
from tformer_cli.main import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def float_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that trained a small model, as far as it matters here."""
    folder = tmp_path_factory.mktemp("float")
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(6, 3, activation="relu", name="first")(inputs)
    hidden = keras.layers.GlobalAveragePooling2D(name="pool")(hidden)
    keras.Model(inputs, keras.layers.Dense(10, name="head")(hidden)).save(folder / "model.keras")
    config = {
        "run": {"seed": 3},
        "task": "classification",
        "model": {"name": "small", "config": {"filters": 6}},
        "class_names": list("0123456789"),
        "preprocessing": Preprocessing((8, 8), mean=(0.5, 0.4, 0.3), std=(0.5, 0.6, 0.7)).to_json(),
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "labels.txt").write_text("\n".join(config["class_names"]))
    return folder


@pytest.fixture(scope="module")
def whole(float_run: Path) -> Path:
    out = float_run / "whole"
    assert main(["quantize", str(float_run), "--out", str(out), *OPTIONS]) == 0
    return out


@pytest.fixture(scope="module")
def calibrated(float_run: Path) -> Path:
    """Made from the bare file, which must come to the same as the run's folder."""
    command = [
        "quantize", str(float_run / "model.keras"), *SHORT, "--labels", str(float_run / "labels.txt"), "--seed", "3",
        "--mean", "0.5", "0.4", "0.3", "--std", "0.5", "0.6", "0.7", "--resize", "stretch", "--ptq",
    ]  # fmt: skip
    assert main([*command, "--out", str(float_run / "calibrated")]) == 0
    return float_run / "calibrated"


def arrays(out: Path) -> dict[str, np.ndarray]:
    with np.load(out / "quantized.npz") as file:
        return {name: file[name] for name in file.files if name != "options"}


def changed(out: Path, other: Path, kind: str) -> set[str]:
    left, right = arrays(out), arrays(other)
    assert left.keys() == right.keys()
    names = {name for name in left if name.startswith(f"{kind}/")}
    assert names
    return {name for name in names if not np.array_equal(left[name], right[name])}


def history(out: Path) -> list[dict[str, Any]]:
    with open(out / "history.csv") as file:
        rows = list(csv.DictReader(file))
    return [{name: value for name, value in row.items() if name != "steps_per_second"} for row in rows]


def assert_same_run(out: Path, reference: Path) -> None:
    assert not changed(out, reference, "weight") and not changed(out, reference, "range")
    assert history(out) == history(reference)
    reports = [json.loads((folder / "report.json").read_text()) for folder in (out, reference)]
    for report in reports:
        del report["seconds"]
    assert reports[0] == reports[1] and reports[0]["finished"]


def test_killed_while_writing_and_interrupted_by_hand(
    float_run: Path,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["quantize", str(float_run), "--out", str(tmp_path / "run"), *OPTIONS]
    killed = subprocess.run(
        [sys.executable, "-c", KILL_WHILE_WRITING, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert list((tmp_path / "run" / "checkpoints").glob(".unfinished-*")), (
        "the kill came before anything was written"
    )

    def save_and_interrupt(folder: Path, number: int, *state: Any) -> Path:
        if number == 3:  # as Ctrl-C would: at the end of the first epoch, after which the ranges stand still
            os.kill(os.getpid(), signal.SIGINT)
        return save_checkpoint(folder, number, *state)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "save_checkpoint", save_and_interrupt)
        assert main(command) == 130
    captured = capsys.readouterr()
    assert "resuming after epoch 0 and 1 steps" in captured.err
    assert json.loads(captured.out)["finished"] is False and "give the same command again" in captured.err

    assert main(command) == 0
    assert "resuming after epoch 1 and 0 steps" in capsys.readouterr().err
    assert_same_run(tmp_path / "run", whole)
    assert main(command) == 0
    captured = capsys.readouterr()
    assert "is finished" in captured.err and json.loads(captured.out)["finished"]
    assert main([*command, "--seed", "1"]) == 2
    assert "other values of seed" in capsys.readouterr().err


def test_the_folder_holds_what_is_needed_to_use_and_repeat_it(
    float_run: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {path.name for path in whole.iterdir()} == {
        "checkpoints", "config.json", "confusion.png", "curves.png", "history.csv", "model.keras", "quantized.npz",
        "report.json",
    }  # fmt: skip
    config, given = (json.loads((out / "config.json").read_text()) for out in (whole, float_run))
    for key in ("preprocessing", "class_names", "model", "task"):
        assert config[key] == given[key], key
    assert config["run"]["quantize"] == str(float_run) and config["run"]["rewrites"]
    assert config["run"]["recipe"]["mean"] == given["preprocessing"]["mean"]
    assert config["run"]["distill"] is True, "the float model teaches, unless it shall not"
    report = json.loads((whole / "report.json").read_text())
    assert set(report["before"]) == {"float", "calibrated"} and report["epochs"] == 2
    capsys.readouterr()
    assert main(["evaluate", "digits", "--model", str(whole), "--json"]) == 0
    evaluation = json.loads(capsys.readouterr().out)
    assert evaluation["images"] == 360 and len(evaluation["per_class"]) == 10


def test_the_saved_model_gives_the_reported_figures(whole: Path) -> None:
    quantized, source = load_quantized(whole), keras.saving.load_model(whole / "model.keras")
    dataset = load_dataset("digits", seed=3)
    preprocessing = Preprocessing.from_json(json.loads((whole / "config.json").read_text())["preprocessing"])
    loader = Loader(dataset.test, preprocessing, 16, shuffle=False, task=CLASSIFICATION, classes=10)
    batches = [loader.batch(0, step) for step in range(3)]  # the run was limited to three
    loader.limit = 3
    received = evaluate_quantized(quantized, loader, CLASSIFICATION, dataset.class_names).to_json()
    expected = json.loads((whole / "report.json").read_text())["evaluation"]
    assert received == {**expected, "cross_entropy": pytest.approx(expected["cross_entropy"], rel=1e-4)}
    assert received["cross_entropy"] == pytest.approx(
        float(history(whole)[-1]["val_cross_entropy"]), rel=1e-4
    )
    difference = quantized.model.predict_on_batch(batches[0][0]) - source.predict_on_batch(batches[0][0])
    assert np.abs(difference).max() > 0.01, "these are the float model's outputs"


def test_calibration_alone(calibrated: Path) -> None:
    report = json.loads((calibrated / "report.json").read_text())
    assert report["epochs"] == 0 and report["evaluation"]["top1"] == report["before"]["calibrated"]["top1"]
    assert json.loads((calibrated / "config.json").read_text())["run"]["distill"] is False
    assert report["recipe"] is None and not (calibrated / "history.csv").exists()


@pytest.mark.parametrize(
    ("options", "weights", "ranges_move"),
    [
        (["--no-distill"], {"first/kernel", "first/bias", "head/kernel", "head/bias"}, True),
        (["--freeze-ranges", "--freeze-weights", "first"], {"head/kernel", "head/bias"}, False),
        (["--freeze-weights", "all"], set(), True),
    ],
)
def test_what_is_frozen_stays_and_the_rest_is_trained(
    options: list[str],
    weights: set[str],
    ranges_move: bool,
    float_run: Path,
    calibrated: Path,
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    assert main(["quantize", str(float_run), *SHORT, "--out", str(out), "--epochs", "2", *options]) == 0
    assert changed(out, calibrated, "weight") == {f"weight/{name}" for name in weights}
    assert bool(changed(out, calibrated, "range")) == ranges_move


def test_a_softmax_at_the_end_is_left_out_of_the_training() -> None:
    inputs = keras.Input((4, 4, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(6, 3)(inputs))
    quantized = quantize_aware(keras.Model(inputs, keras.layers.Dense(5, activation="softmax")(features)))
    images = np.random.default_rng(0).normal(size=(8, 4, 4, 3)).astype("float32")
    quantized.calibrate([images])
    logits = logits_network(quantized, "probabilities")(images)
    np.testing.assert_allclose(tf.nn.softmax(logits), quantized.model(images), atol=0.003)  # half of 1/256


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--data", "nowhere"], "nowhere"),
        (["--recipe", "nothing"], "expected one of"),
        (["--calibration-images", "0"], "--calibration-images: expected 1 or more"),
        (["--ptq", "--epochs", "2"], "received --epochs"),
        (["--set", "mean=(0,0,0)"], "the model brings its own"),
        (["--set", "accumulate=2"], "recipe field accumulate"),
        (["--rewrites", "fold_everything"], "fold_everything"),
        (["--freeze-weights", "neck*"], "'neck*', which fits none"),
        (["--freeze-weights", "all", "--freeze-ranges"], "expected something to train"),
        (["--teacher", "nowhere.keras"], "nowhere.keras"),
        (["--teacher", "nowhere.keras", "--no-distill"], "expected teachers, or --no-distill"),
        (["--ptq", "--distill"], "received --distill"),
        (["--out", "TAKEN"], "which holds something else"),
        (["--out", "/proc/run"], "/proc/run"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing_behind(
    arguments: list[str], expected: str, float_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(float_run) if argument == "TAKEN" else argument for argument in arguments]
    out = tmp_path / "run"
    assert main(["quantize", str(float_run), *SHORT, "--out", str(out), *arguments]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("tformer: error: ") and expected in error
    assert not out.exists()


def test_what_cannot_be_quantized(
    whole: Path, float_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.keras").write_bytes(b"nonsense")
    (tmp_path / "broken" / "config.json").write_bytes((float_run / "config.json").read_bytes())
    (tmp_path / "bare.keras").write_bytes((float_run / "model.keras").read_bytes())
    out = ["--out", str(tmp_path / "run")]
    for command, expected in (
        (["quantize", str(whole), *SHORT, *out], "quantized already"),
        (["quantize", str(tmp_path / "missing"), *SHORT, *out], "missing"),
        (["quantize", str(tmp_path / "broken"), *SHORT, *out], "expected a .keras file"),
        (["quantize", str(tmp_path / "bare.keras"), *SHORT, *out], "--mean, --std, --resize and --labels"),
        (["train", "digits", "--recipe", "quantize", *out], "freeze_ranges_from"),
    ):
        assert main(command) == 2
        assert expected in capsys.readouterr().err
    assert not (tmp_path / "run").exists()

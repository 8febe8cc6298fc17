"""A run of several capacities: each is left as an ordinary run, resumed to the bit, and quantized with shared bytes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tformer_cli.main import main
from tformer_edge.errors import UserError
from tformer_keras.training.nested_run import capacity_folders
from tformer_keras.training.saved_model import open_model

ARGUMENTS = {
    "width": 1,
    "widths": "[12]",
    "depths": "[1]",
    "stem_kernel": 3,
    "stem_stride": 2,
    "layer_scale": 0.5,
}
TRAIN = [
    "train", "digits", "--model", "tformer_micro", "--recipe", "digits", "--epochs", "2", "--batch-size", "16",
    "--input-size", "8", "--limit-steps", "3", "--nested", "S,big=3", "--set", "ema_momentum=0.5", "--json",
    *(part for name, value in ARGUMENTS.items() for part in ("--model-set", f"{name}={value}")),
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("nested") / "run"
    assert main([*TRAIN, "--out", str(out)]) == 0
    return out


def report(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "report.json").read_text()))


def test_every_capacity_is_a_run_that_evaluates_as_it_was_reported(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert capacity_folders(run) == {"S": run / "capacities" / "S"}
    every = report(run)["evaluation"]["capacities"]
    for name, folder, depth in (("big", run, 3), ("S", run / "capacities" / "S", 1)):
        capsys.readouterr()
        assert main(["evaluate", "digits", "--model", str(folder), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        trained = open_model(folder)
        assert trained.record["config"]["depths"] == [depth]
        assert sum("mixer_norm" in layer.name for layer in trained.model.layers) == depth
        assert trained.class_names == tuple("0123456789") and 0 <= told["top1"] <= 1
        assert report(folder)["evaluation"]["cross_entropy"] == every[name]["cross_entropy"]
    history = (run / "history.csv").read_text().splitlines()
    assert "val_top1_S" in history[0]


def test_what_is_shared_is_equal_to_the_bit(run: Path) -> None:
    large, small = (open_model(folder).model for folder in (run, run / "capacities" / "S"))
    for layer in small.layers:
        alike = all(
            np.array_equal(a, b)
            for a, b in zip(layer.get_weights(), large.get_layer(layer.name).get_weights(), strict=True)
        )
        assert alike != (layer.name in ("head_norm", "head_logits")), layer.name


def test_the_same_command_finds_it_finished_and_another_set_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRAIN, "--out", str(run)]) == 0
    other = ["S,M" if part == "S,big=3" else part for part in TRAIN]
    assert main([*other, "--out", str(run)]) == 2
    assert "nested" in capsys.readouterr().err
    (run / "capacities" / "S" / "model.keras").rename(run / "moved")
    with pytest.raises(UserError, match="the capacity S"):
        capacity_folders(run)
    (run / "moved").rename(run / "capacities" / "S" / "model.keras")


def test_an_interrupted_run_goes_on_to_the_same_models(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tformer_keras.training import callbacks

    out = tmp_path / "run"
    real = callbacks.Checkpointing.on_epoch_end

    def stops(self: Any, epoch: int, logs: Any = None) -> None:
        self.run.stop.asked = epoch == 0
        real(self, epoch, logs)

    with monkeypatch.context() as patched:
        patched.setattr(callbacks.Checkpointing, "on_epoch_end", stops)
        assert main([*TRAIN, "--out", str(out)]) == 130
    assert not (out / "capacities").exists()
    assert main([*TRAIN, "--out", str(out)]) == 0
    for folder in ("", "capacities/S"):
        both = (open_model(root / folder).model.get_weights() for root in (run, out))
        assert all(np.array_equal(a, b) for a, b in zip(*both, strict=True))


@pytest.mark.parametrize(
    "more",
    [["--teacher", "x.keras"], ["--model", "detector_micro"], ["--nested", "S"], ["--nested", "1-1,2-2"]],
)
def test_what_does_not_go_together_is_a_sentence(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRAIN, *more, "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert "expected" in error and error.count("\n") == 1 and not (tmp_path / "run").exists()


def test_quantized_together_they_stay_equal_and_are_bundled_for_less(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tformer_edge.update.bundle import Bundle, make_bundle
    from tformer_keras.deploy.conversion import convert
    from tformer_keras.deploy.int8.quantized_model import load_quantized

    out = tmp_path / "int8"
    command = [
        "quantize", str(run), "--data", "digits", "--epochs", "2", "--batch-size", "16", "--limit-steps", "3",
        "--calibration-images", "32", "--set", "learning_rate=0.01", "--set", "ema_momentum=0.5", "--json",
    ]  # fmt: skip
    assert main([*command, "--out", str(out)]) == 0
    folders = {"big": out, "S": out / "capacities" / "S"}
    models = {name: load_quantized(folder) for name, folder in folders.items()}
    large, small = (model.weights for model in models.values())
    own = {name for name in small if not np.array_equal(small[name], large[name])}
    assert own == {"head_logits/kernel", "head_logits/bias"}
    first = open_model(run / "capacities" / "S").model
    moved = small["stage1_patch/kernel"]
    assert moved.shape == first.get_layer("stage1_patch").kernel.shape
    assert not np.array_equal(moved, np.asarray(first.get_layer("stage1_patch").kernel)), "it has trained"
    every = report(out)["evaluation"]["capacities"]
    assert set(every) == {"largest", "S"}
    assert report(folders["S"])["evaluation"] == every["S"]
    capsys.readouterr()
    files = {name: convert(model).flatbuffer for name, model in models.items()}
    bundle = make_bundle(files)
    assert Bundle(bundle).files() == files
    stored = Bundle(bundle).capacities[1].stored
    assert stored < 0.6 * len(files["S"]), "of a model of 2,000 weights most is what stands around them"
    assert main([*command, "--out", str(out)]) == 0  # finished

"""The loop in this process: distillation, transfer learning, mixed precision, what a run leaves, what it refuses."""

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import rich.console

from tformer_edge.errors import UserError
from tformer_keras.data.load import load_dataset
from tformer_keras.data.loader import Loader
from tformer_keras.tasks.classification import CLASSIFICATION
from tformer_keras.tasks.task import evaluate
from tformer_keras.training.distillation import load_teacher
from tformer_keras.training.forward import forward
from tformer_keras.training.recipe import Recipe
from tformer_keras.training.recipes import RECIPES
from tformer_keras.training.run_folder import Job
from tformer_keras.training.train import train

TINY = {"width": 1.0, "widths": (16,), "depths": (1,), "stem_kernel": 3, "stem_stride": 2, "layer_scale": 0.5}


def recipe(**changes: Any) -> Recipe:
    values = {"epochs": 2, "batch_size": 16, "input_size": (8, 8), "model_arguments": TINY, **changes}
    return dataclasses.replace(RECIPES["digits"], **values)


def run(out: Path, job_changes: dict[str, Any] | None = None, **changes: Any) -> tuple[dict[str, Any], str]:
    text = io.StringIO()
    values = {"data": "digits", "model": "tformer_micro", "limit_steps": 3, **(job_changes or {})}
    job = Job(recipe=recipe(**changes), out=out, **values)
    keras.utils.clear_session()
    return train(job, rich.console.Console(file=text)), text.getvalue()


def history(out: Path) -> list[dict[str, str]]:
    with open(out / "history.csv") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("train") / "plain"
    run(out, ema_momentum=0.5)
    return out


def test_a_run_leaves_what_is_needed_to_use_and_repeat_it(plain_run: Path) -> None:
    names = {path.name for path in plain_run.iterdir()}
    assert names == {
        "checkpoints", "config.json", "confusion.png", "curves.png", "history.csv", "model.keras", "report.json",
    }  # fmt: skip
    config = json.loads((plain_run / "config.json").read_text())
    assert config["run"]["recipe"]["learning_rate"] == RECIPES["digits"].learning_rate
    assert config["model"]["config"]["widths"] == [16] and config["class_names"] == [
        str(i) for i in range(10)
    ]
    assert (
        config["preprocessing"]["input_size"] == [8, 8] and config["versions"]["keras"] == keras.__version__
    )
    assert {"git_commit", "command", "xla", "data"} <= set(config)
    for name in ("curves.png", "confusion.png"):
        assert (plain_run / name).read_bytes().startswith(b"\x89PNG")
    assert [row["epoch"] for row in history(plain_run)] == ["1", "2"]


def test_the_saved_model_gives_the_reported_figures(plain_run: Path) -> None:
    report = json.loads((plain_run / "report.json").read_text())["evaluation"]
    assert report["cross_entropy"] == pytest.approx(float(history(plain_run)[-1]["val_cross_entropy"]))
    model = keras.saving.load_model(plain_run / "model.keras")
    dataset = load_dataset("digits")
    loader = Loader(
        dataset.test, recipe().preprocessing((8, 8)), 16, shuffle=False, task=CLASSIFICATION, classes=10
    )
    batches = (loader.batch(0, step) for step in range(3))  # the run was limited to three
    evaluation = evaluate(forward(model), batches, CLASSIFICATION.judge(dataset.class_names, "logits"))
    assert evaluation.to_json() == {
        **report,
        "cross_entropy": pytest.approx(report["cross_entropy"]),
        "top5": pytest.approx(report["top5"]),
    }


def test_the_saved_weights_are_the_average(plain_run: Path) -> None:
    newest = max((plain_run / "checkpoints").glob("step-*.npz"))
    with np.load(newest) as file:
        averages = [
            file[name]
            for name in sorted(file.files)
            if name.startswith("optimizer") and name.endswith("average")
        ]
        trained = [file[name] for name in sorted(file.files) if name.startswith("model")]
    model = keras.saving.load_model(plain_run / "model.keras")
    saved = [keras.ops.convert_to_numpy(v.value) for v in model.trainable_variables]
    assert len(averages) == len(saved)
    for array, average in zip(saved, averages, strict=True):
        np.testing.assert_allclose(array, average, atol=1e-7)
    assert not all(any(a.shape == t.shape and np.array_equal(a, t) for t in trained) for a in averages)


def test_a_finished_run_is_left_alone_and_another_is_refused(plain_run: Path) -> None:
    before = (plain_run / "model.keras").read_bytes()
    report, text = run(plain_run, ema_momentum=0.5)
    assert report["finished"] and "is finished" in text and (plain_run / "model.keras").read_bytes() == before
    with pytest.raises(UserError, match=r"other values of recipe.learning_rate, seed"):
        run(plain_run, {"seed": 1}, ema_momentum=0.5, learning_rate=0.5)


def test_training_learns(tmp_path: Path) -> None:
    report, _ = run(tmp_path / "run", {"limit_steps": 40}, epochs=6, batch_size=32, learning_rate=0.01)
    assert report["evaluation"]["top1"] > 0.5


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_distillation(tmp_path: Path, kind: str) -> None:
    """A teacher that always says class 3 pulls the student there, when it has all the weight."""
    inputs = keras.Input((16, 16, 3))  # of another size than the student's
    outputs = keras.layers.Dense(10, activation="softmax", name="says")(
        keras.layers.GlobalAveragePooling2D()(inputs)
    )
    teacher = keras.Model(inputs, outputs)
    teacher.get_layer("says").set_weights([np.zeros((3, 10)), 8.0 * np.eye(10)[3]])
    path = tmp_path / "teacher.keras"
    teacher.save(path)
    report, _ = run(
        tmp_path / "run", {"teachers": [str(path)], "distillation": kind, "limit_steps": 30},
        distillation_weight=1.0, distillation_temperature=2.0, ema_momentum=0.5,
    )  # fmt: skip
    confusion = np.array(report["evaluation"]["confusion"])
    assert confusion[:, 3].sum() == report["evaluation"]["images"] > 0
    newest = max((tmp_path / "run" / "checkpoints").glob("*.npz"))
    with np.load(newest) as file:
        assert not any("says" in name for name in file.files), "the teacher does not belong into a checkpoint"
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert model.name == "tformer_micro"


def test_a_teacher_of_other_classes_is_refused(tmp_path: Path) -> None:
    teacher = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(4)])
    teacher.save(tmp_path / "teacher.keras")
    with pytest.raises(UserError, match="expected a teacher of one image, with outputs"):
        run(tmp_path / "run", {"teachers": [str(tmp_path / "teacher.keras")]})


def test_several_teachers_are_the_mean_of_their_outputs(tmp_path: Path) -> None:
    """The mean of their logits, though one gives probabilities."""
    random = np.random.default_rng(0)
    student = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(4)])
    expected, paths = 0.0, []
    images = random.normal(size=(5, 8, 8, 3)).astype("float32")
    for number, activation in enumerate((None, "softmax", None)):
        kernel = random.normal(size=(3, 4)).astype("float32")
        teacher = keras.Sequential([
            keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, activation=activation),
        ])  # fmt: skip
        teacher.layers[-1].set_weights([kernel, np.zeros(4)])
        logits = images.mean((1, 2)) @ kernel
        if activation:  # as far as probabilities tell
            logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
        expected = expected + logits / 3
        paths.append(str(tmp_path / f"{number}.keras"))
        teacher.save(paths[-1])
    teacher = load_teacher(paths, student, CLASSIFICATION)
    assert not teacher.trainable_variables
    np.testing.assert_allclose(teacher(images), expected, atol=1e-5)
    one = load_teacher(paths[:1], student, CLASSIFICATION)(images)
    np.testing.assert_array_equal(load_teacher([paths[0]] * 2, student, CLASSIFICATION)(images), one)
    report, _ = run(
        tmp_path / "run", {"teachers": [_teacher(tmp_path, name) for name in "ab"], "limit_steps": 2}
    )
    assert report["finished"]
    assert json.loads((tmp_path / "run" / "config.json").read_text())["run"]["teacher"] == [
        str(tmp_path / f"{name}.keras") for name in "ab"
    ]


def _teacher(folder: Path, name: str) -> str:
    path = folder / f"{name}.keras"
    keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
    ).save(path)
    return str(path)


def test_finetune_trains_the_head_first_and_then_everything(plain_run: Path, tmp_path: Path) -> None:
    weights = str(plain_run / "model.keras")
    source = keras.saving.load_model(weights)

    def changed(out: Path) -> dict[str, bool]:
        model = keras.saving.load_model(out / "model.keras")
        return {
            layer.name: any(
                not np.array_equal(*pair)
                for pair in zip(layer.get_weights(), source.get_layer(layer.name).get_weights(), strict=True)
            )
            for layer in model.layers
            if layer.weights
        }

    run(tmp_path / "both", {"weights": weights}, epochs=3, frozen_epochs=2, ema_momentum=0.5)
    assert all(changed(tmp_path / "both").values())
    with np.load(
        tmp_path / "both" / "checkpoints" / "step-000000006.npz"
    ) as file:  # the end of the frozen phase
        arrays = {name.split("/", 2)[2]: file[name] for name in file.files if name.startswith("model/")}
    for layer in source.layers:
        for variable in layer.trainable_variables:
            same = np.array_equal(arrays[variable.path], keras.ops.convert_to_numpy(variable.value))
            assert same == (layer.name != "head_logits"), variable.path


def test_weights_of_another_architecture_are_refused(plain_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="but for its head"):
        run(
            tmp_path / "run",
            {"weights": str(plain_run / "model.keras")},
            model_arguments={**TINY, "widths": (20,)},
        )
    (tmp_path / "broken.keras").write_bytes(b"nonsense")
    for name, expected in (("missing.keras", "no such file"), ("broken.keras", "expected a .keras file")):
        with pytest.raises(UserError, match=expected):
            run(tmp_path / "run2", {"weights": str(tmp_path / name)})


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision(tmp_path: Path, precision: str) -> None:
    run(tmp_path / "run", mixed_precision=precision)
    assert keras.config.dtype_policy().name == "float32"
    assert np.isfinite(float(history(tmp_path / "run")[-1]["loss"]))
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert any(layer.compute_dtype == precision for layer in model.layers)


def test_evaluation_every_few_epochs_and_the_last(tmp_path: Path) -> None:
    run(tmp_path / "run", epochs=5, evaluate_every=2)
    assert [bool(row["val_top1"]) for row in history(tmp_path / "run")] == [False, True, False, True, True]


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    run(tmp_path / "run", {"tensorboard": True})
    assert list((tmp_path / "run" / "tensorboard").rglob("events*"))

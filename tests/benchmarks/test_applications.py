"""Our int8 conversion beside TensorFlow's: on a stand-in of two layers, and the table made of it."""

import sys

import keras
import numpy as np
import pytest

from benchmarks import applications, latency
from benchmarks.application_rows import application_rows, print_application_rows
from benchmarks.sane_weights import give_sane_weights


@pytest.fixture
def small(monkeypatch):
    """keras.applications with one small member, and an empty cache."""

    def Small(weights, input_shape, classifier_activation):
        assert weights is None and classifier_activation is None
        inputs = keras.Input(input_shape)
        x = keras.layers.Conv2D(8, 3, use_bias=False)(inputs)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        return keras.Model(inputs, keras.layers.Dense(5)(keras.layers.GlobalAveragePooling2D()(x)))

    monkeypatch.setattr(keras.applications, "Small", Small, raising=False)
    monkeypatch.setattr(applications, "SMALLEST", {"Small": 16})


@pytest.mark.parametrize("converter", applications.CONVERTERS)
def test_a_file_and_what_it_is_off_by(small, converter):
    file, off = applications.convert("Small", converter)
    assert file[4:8] == b"TFL3" and 0 < off < 0.05


def test_files_are_kept_and_a_refusal_is_said(small, monkeypatch, tmp_path, capsys):
    asked = []

    def make(command):
        asked.append(command[1:3])
        if command[2] == "tensorflow":
            raise applications.UserError("a file", "none", "take another")
        path = applications.Path(command[4])
        path.write_bytes(b"file")
        path.with_suffix(".json").write_text('{"difference": 0.25}')

    monkeypatch.setattr(applications, "in_a_process", make)
    for _ in range(2):
        files = applications.chosen(None, tmp_path)
        assert list(files) == [("Small", "tformer")] and files["Small", "tformer"].difference == 0.25
        assert files["Small", "tformer"].path.read_bytes() == b"file"
    assert asked == [["Small", "tformer"], ["Small", "tensorflow"], ["Small", "tensorflow"]]
    assert "received none" in capsys.readouterr().err


def test_times_are_held_against_tensorflows(capsys):
    samples = {("A", "tformer"): np.full((3, 2), 2.0), ("A", "tensorflow"): np.full((3, 2), 4.0)}
    samples["B", "tformer"] = np.full((3, 2), 1.0)
    rows = application_rows(samples, lambda key: (5000, 1, 0.01), threads=1)
    assert [(row.model, row.ratio, row.median) for row in rows] == [
        ("A", 0.5, 2),
        ("A", 1, 4),
        ("B", None, 1),
    ]
    print_application_rows(rows, {"machine": "this"}, "x86")
    out = capsys.readouterr().out
    assert "TensorFlow's" in out and "0.50" in out and "1.0 %" in out and "machine: this" in out


def test_the_command_refuses_other_names(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["latency.py", "--applications", "LeNet"])
    assert latency.main() == 2
    assert "received 'LeNet'" in capsys.readouterr().err


def test_sane_weights_keep_the_tensors_of_deep_models_in_bounds():
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((16, 16, 3))
    for _ in range(20):
        x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    model = keras.Model(inputs, x)
    images = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")
    before = np.asarray(model(images)).std()
    give_sane_weights(model, images)
    assert 0.2 < np.asarray(model(images)).std() < 5 and not 0.2 < before < 5
    assert {layer.momentum for layer in model.layers if hasattr(layer, "momentum")} == {0.99}


def test_calm_weights_make_the_branches_small_and_nothing_else():
    inputs = x = keras.Input((16, 16, 3))
    norm = keras.layers.BatchNormalization
    shortcut = norm(name="shortcut")(keras.layers.Conv2D(8, 1)(x))
    x = keras.layers.Add()([norm(name="beside")(keras.layers.Conv2D(8, 1)(x)), shortcut])
    for number in range(2):
        branch = norm(name=f"inside{number}")(keras.layers.Conv2D(8, 3, padding="same")(x))
        branch = norm(name=f"end{number}")(keras.layers.Conv2D(8, 3, padding="same")(branch))
        x = keras.layers.Add()([keras.layers.Dropout(0.1)(branch), x])
    model = keras.Model(inputs, x)
    images = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")
    give_sane_weights(model, images, calm=True)
    small = {layer.name for layer in model.layers if isinstance(layer, norm) and np.max(layer.gamma) < 0.2}
    assert small == {"end0", "end1"}

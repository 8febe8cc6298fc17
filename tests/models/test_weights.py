"""Weights by name and by path: what loads, what is refused, and in which words."""

import hashlib
import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops

import tformer_keras
from tformer_edge.errors import UserError
from tformer_keras import TFormerMicro
from tformer_keras.models import build, weights
from tformer_keras.models.families import CONFIGS, build_config, changed, flat_fields, shipped_model
from tformer_keras.models.output_maps import task_of
from tformer_keras.models.weights import SHIPPED, ShippedModel

CONFIG = {"depths": (1, 1), "widths": (64, 80), "input_shape": (16, 16, 3), "classes": 4, "kernels": (3, 5)}


def small(**changes) -> keras.Model:
    return TFormerMicro(**{**CONFIG, **changes})


def assert_equal_weights(model: keras.Model, other: keras.Model) -> None:
    for variable, expected in zip(model.weights, other.weights, strict=True):
        actual, wanted = ops.convert_to_numpy(variable), ops.convert_to_numpy(expected)
        np.testing.assert_array_equal(actual, wanted, err_msg=variable.path)


def assert_one_sentence(error: BaseException) -> None:
    text = str(error)
    assert "\n" not in text and "expected" in text and len(text) < 1000


@pytest.fixture(scope="module")
def source(randomise) -> keras.Model:
    return randomise(small())


# A user's own file.


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5", "a folder with spaces/ünï.keras"])
def test_files_load(tmp_path, source, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    source.save_weights(path) if name.endswith(".weights.h5") else source.save(path)
    model = small(weights=str(path), name="other", stochastic_depth=0.3)
    assert_equal_weights(model, source)
    assert model.name == "other"
    x = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(model(x)), ops.convert_to_numpy(source(x)))
    assert_equal_weights(small(weights=path), source)  # a pathlib.Path


def test_a_compiled_models_file_loads(tmp_path, source):
    model = small()
    model.set_weights(source.get_weights())
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    for name in ("model.keras", "model.weights.h5"):
        assert_equal_weights(small(weights=str(tmp_path / name)), source)


def test_weights_at_another_input_size(tmp_path, source):
    source.save(tmp_path / "model.keras")
    assert_equal_weights(small(weights=str(tmp_path / "model.keras"), input_shape=(33, 20, 3)), source)


def test_no_weights_start_at_random():
    kernels = [small(weights=None).get_layer("stage1_patch").get_weights()[0] for _ in range(2)]
    assert np.abs(kernels[0] - kernels[1]).max() > 1e-3


OTHERS = {
    "width": {"width": 0.5},
    "classes": {"classes": 5},
    "norm": {"norm": "group"},
    "groups": {"groups": 4},
    "ffn": {"ffn": "ghost"},
    "no layer scale": {"layer_scale": None},
    # The file has a block more, or less, whose tensors have the shapes of their neighbours.
    "shallower": {"depths": (1, 0)},
    "deeper": {"depths": (1, 2)},
}


@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
def test_a_file_of_another_configuration_does_not_fit(tmp_path, source, suffix, changes):
    path = tmp_path / f"model{suffix}"
    source.save(path) if suffix == ".keras" else source.save_weights(path)
    parameters = f"{small(**changes).count_params():,}"
    with pytest.raises(
        UserError, match=f"expected weights of tformer_micro with {parameters} parameters"
    ) as caught:
        small(weights=str(path), **changes)
    assert str(path) in str(caught.value) and "give the configuration that the file was trained with" in str(
        caught.value
    )
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5", "model.h5", "notes.txt", "model"])
@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not a zip", b"\x89HDF\r\n\x1a\n cut"], ids=["empty", "zip", "hdf5"]
)
def test_a_file_that_is_none_is_refused(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match="expected weights of tformer_micro") as caught:
        small(weights=str(path))
    assert str(path) in str(caught.value)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", ["cifar11", "no/such/file.keras", "no.weights.h5", ""])
def test_an_unknown_name(name):
    message = r"^weights: expected None, a shipped name \(.*\) or the path of a .keras or .weights.h5 file, received "
    with pytest.raises(UserError, match=message) as caught:
        small(weights=name)
    assert repr(name) in str(caught.value)
    for shipped in SHIPPED:
        assert shipped in str(caught.value)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(UserError, match="which is none of them"):
        small(weights=str(tmp_path))


@pytest.mark.parametrize("variant", ["tformer_s", "tformer_micro"])
def test_imagenet_says_that_there_are_none_and_what_to_do(variant):
    with pytest.raises(UserError, match="which nobody has") as caught:
        build(variant, weights="imagenet")
    assert "weights=None" in str(caught.value) and "tformer train DATA --recipe imagenet" in str(caught.value)


# Weights that ship with the package.


@pytest.mark.parametrize("name", list(SHIPPED))
def test_what_ships_loads_and_is_whole(name):
    entry = SHIPPED[name]
    folder = weights.FOLDER / name
    assert hashlib.sha256((folder / "model.weights.h5").read_bytes()).hexdigest() == entry.weights
    assert hashlib.sha256((folder / "quantized.npz").read_bytes()).hexdigest() == entry.quantized
    assert (folder / "card.md").is_file()
    model = shipped_model(name)
    assert model.name == entry.variant and task_of(model) == entry.config["task"]
    fresh = build_config(changed(CONFIGS[entry.variant], flat_fields(entry.configuration)), entry.variant)
    assert not np.array_equal(model.get_weights()[0], fresh.get_weights()[0])
    x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32")
    scores = ops.convert_to_numpy(model(x)[0] if len(model.outputs) > 1 else model(x))
    assert scores.shape[-1] % entry.configuration["classes"] == 0 and scores.std() > 0.1


@pytest.fixture
def shipped(monkeypatch, tmp_path, source) -> ShippedModel:
    """An entry "mine" of the table, in a folder of its own."""
    path = tmp_path / "mine" / "model.weights.h5"
    path.parent.mkdir()
    source.save_weights(path)
    (tmp_path / "mine" / "config.json").write_text(
        json.dumps({"model": {"name": "tformer_micro", "config": CONFIG}})
    )
    entry = ShippedModel("mine", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    monkeypatch.setitem(weights.SHIPPED, "mine", entry)
    return entry


def test_a_shipped_name_brings_its_configuration(shipped, source):
    model = TFormerMicro(weights="mine")
    assert model.input_shape == (None, 16, 16, 3)
    assert_equal_weights(model, source)


def test_arguments_that_agree_or_do_not_touch_the_weights_are_taken(shipped, source):
    model = TFormerMicro(
        weights="mine",
        classes=4,
        kernels=[3, 5],
        depths=[1, 1],
        classifier_activation="softmax",
        stochastic_depth=0.2,
    )
    assert_equal_weights(model, source)
    scores = ops.convert_to_numpy(model(np.ones((1, 16, 16, 3), "float32")))
    assert scores.sum() == pytest.approx(1, rel=1e-5)


def test_features_of_shipped_weights(shipped, source):
    model = TFormerMicro(weights="mine", features_only=True)
    assert [tuple(output.shape[1:]) for output in model.outputs] == [(4, 4, 16), (2, 2, 20)]
    for variable in model.weights:
        layer, name = variable.path.split("/")[-2:]
        expected = {w.path.split("/")[-1]: w for w in source.get_layer(layer).weights}[name]
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), ops.convert_to_numpy(expected))


@pytest.mark.parametrize(
    "changes",
    [
        {"include_top": False, "input_shape": (48, 32, 3)},
        {"include_top": False, "pooling": "max"},
        {"classes": 7},
        {"classes": 7, "input_shape": (32, 32, 3)},
    ],
)
def test_the_backbone_of_shipped_weights_as_keras_applications_gives_it(shipped, source, changes, recwarn):
    keras.utils.set_random_seed(3)
    model = TFormerMicro(weights="mine", **changes)
    assert not [warning for warning in recwarn if "could not be loaded" in str(warning.message)]
    for layer in model.layers:
        if not layer.weights:
            continue
        given = [ops.convert_to_numpy(w) for w in layer.weights]
        own = [ops.convert_to_numpy(w) for w in source.get_layer(layer.name).weights]
        if layer.name == "head_logits" and "classes" in changes:
            assert model.output_shape == (None, 7) and given[0].shape != own[0].shape and given[0].any()
            continue
        for one, other in zip(given, own, strict=True):
            np.testing.assert_array_equal(one, other, err_msg=layer.name)


@pytest.mark.parametrize("field,value", [("kernels", (5, 3)), ("depths", (1, 2)), ("widths", (64, 96))])
def test_arguments_that_conflict(shipped, field, value):
    with pytest.raises(
        UserError, match=f"^weights='mine' carries its own configuration: expected {field}="
    ) as caught:
        TFormerMicro(weights="mine", **{field: value})
    assert f"received {value!r}" in str(caught.value)


@pytest.mark.parametrize(
    "field,value", [("width", 0.5), ("norm", "group"), ("groups", 4), ("activation", "relu")]
)
def test_arguments_that_conflict_with_what_the_entry_leaves_to_the_variant(shipped, field, value):
    assert field not in shipped.configuration
    with pytest.raises(UserError, match=f"^weights='mine' carries its own configuration: expected {field}="):
        TFormerMicro(weights="mine", **{field: value})


def test_a_shipped_name_of_another_variant(shipped):
    message = "^weights='mine': expected the variant tformer_micro, received tformer_s"
    with pytest.raises(UserError, match=message):
        build("tformer_s", weights="mine")


def test_a_damaged_file_is_refused_before_it_is_opened(shipped, tmp_path, monkeypatch):
    path = tmp_path / "mine" / "model.weights.h5"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: pytest.fail("the damaged file was opened"))
    with pytest.raises(
        UserError, match=f"expected SHA-256 {shipped.weights}, received .*the file is damaged"
    ) as caught:
        TFormerMicro(weights="mine")
    assert hashlib.sha256(damaged).hexdigest() in str(caught.value) and str(path) in str(caught.value)


def test_a_missing_shipped_file(shipped, tmp_path):
    (tmp_path / "mine" / "model.weights.h5").unlink()
    with pytest.raises(UserError, match="reinstall tformer-keras"):
        TFormerMicro(weights="mine")


def test_the_four_functions_take_weights():
    for name in ("TFormerS", "TFormerM", "TFormerL", "TFormerMicro"):
        function = getattr(tformer_keras, name)
        assert inspect.signature(function).parameters["weights"].default is None
        with pytest.raises(UserError, match="which nobody has"):
            function(weights="imagenet")

"""One table: each layer with each constructor argument at a value that is not the default, through config and file."""

import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops

from tformer_keras import layers

# (layer, argument): the other arguments that it needs, and the value that is not the default.
TABLE = {
    ("HybridPooling", "kernels"): ({}, (7, 1, 3)),
    ("HybridPooling", "operators"): ({}, ("max", "average")),
    ("HybridPooling", "implementation"): ({}, "separate"),
    ("HybridPooling", "channel_split"): ({}, "kernel"),
    ("GroupedPointwise", "filters"): ({}, 14),
    ("GroupedPointwise", "groups"): ({"filters": 6}, 3),
    ("GroupedPointwise", "use_bias"): ({"filters": 6}, False),
    ("GroupedPointwise", "kernel_initializer"): ({"filters": 6}, keras.initializers.HeNormal(seed=5)),
    ("GroupedPointwise", "bias_initializer"): ({"filters": 6}, keras.initializers.Constant(0.5)),
    ("GroupedPointwise", "kernel_regularizer"): ({"filters": 6}, keras.regularizers.L2(0.125)),
    ("GroupedPointwise", "bias_regularizer"): ({"filters": 6}, keras.regularizers.L1(0.25)),
    ("ChannelShuffle", "groups"): ({}, 3),
    ("LayerScale", "initial_value"): ({}, 0.75),
    ("OutputMap", "kind"): ({"stride": 8}, "class_logits"),
    ("OutputMap", "stride"): ({"kind": "class_logits"}, 8),
    ("OutputMap", "anchors"): ({"kind": "deltas", "stride": 8}, ((8.0, 16.0), (16.5, 8.25))),
    ("StochasticDepth", "rate"): ({"seed": 3}, 0.25),
    ("StochasticDepth", "seed"): ({}, 11),
}
COMMON = {"name": "some_name", "dtype": "mixed_bfloat16", "trainable": False}
# The arguments without a default, for tests of a layer as such.
NEEDED = {"GroupedPointwise": {"filters": 4}, "OutputMap": {"kind": "class_logits", "stride": 4}}
# These arguments decide how a layer starts or trains, or what it means; an output in inference cannot show them.
NOT_IN_THE_OUTPUT = {
    ("OutputMap", "kind"),
    ("OutputMap", "stride"),
    ("OutputMap", "anchors"),
    ("HybridPooling", "implementation"),
    ("GroupedPointwise", "kernel_regularizer"),
    ("GroupedPointwise", "bias_regularizer"),
    ("StochasticDepth", "rate"),
    ("StochasticDepth", "seed"),
}
CASES = pytest.mark.parametrize("case", TABLE, ids="-".join)
X = np.random.default_rng(0).normal(size=(2, 5, 4, 12)).astype("float32")


def make(case: tuple[str, str]) -> keras.layers.Layer:
    others, value = TABLE[case]
    return getattr(layers, case[0])(**others, **{case[1]: value}, **COMMON)


def own_arguments(name: str) -> dict[str, inspect.Parameter]:
    layer_class = getattr(layers, name)
    if "__init__" not in vars(layer_class):
        return {}  # a Keras layer's arguments, which Keras tests
    parameters = inspect.signature(layer_class.__init__).parameters
    return {key: p for key, p in parameters.items() if key not in ("self", "kwargs")}


def test_the_table_has_every_argument_of_every_layer():
    expected = {(name, argument) for name in layers.__all__ for argument in own_arguments(name)}
    assert set(TABLE) == expected


@CASES
def test_the_value_is_not_the_default(case):
    default = own_arguments(case[0])[case[1]].default
    assert TABLE[case][1] != default and keras.saving.serialize_keras_object(TABLE[case][1]) != default


@CASES
def test_configuration_round_trip(case):
    layer = make(case)
    config = layer.get_config()
    assert set(own_arguments(case[0])) <= set(config)
    text = json.dumps(keras.saving.serialize_keras_object(layer))  # what a file holds
    for again in (
        type(layer).from_config(config),
        keras.saving.deserialize_keras_object(json.loads(text)),
    ):
        assert type(again) is type(layer)
        assert again.get_config() == config
        assert json.dumps(keras.saving.serialize_keras_object(again)) == text
        for name, value in COMMON.items():
            assert getattr(again, "dtype_policy" if name == "dtype" else name) == (
                keras.dtype_policies.get(value) if name == "dtype" else value
            )
    stored = getattr(again, case[1])
    value = TABLE[case][1]
    if hasattr(value, "get_config"):
        stored, value = (type(stored), stored.get_config()), (type(value), value.get_config())
    assert stored == value


@CASES
def test_saved_models_reload_to_the_same_output(case, tmp_path):
    others, value = TABLE[case]
    inputs = keras.Input(X.shape[1:])
    layer = getattr(layers, case[0])(**others, **{case[1]: value}, name="tested")
    model = keras.Model(inputs, layer(inputs))
    rng = np.random.default_rng(1)
    start = ops.convert_to_numpy(model(X))
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    expected = ops.convert_to_numpy(model(X))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_layer("tested").get_config() == layer.get_config()
    np.testing.assert_array_equal(ops.convert_to_numpy(again(X)), expected)
    np.testing.assert_allclose([float(v) for v in again.losses], [float(v) for v in model.losses])
    # The argument matters: with its default the fresh layer puts out something else (or another shape).
    if case not in NOT_IN_THE_OUTPUT and case != ("GroupedPointwise", "filters"):
        plain = ops.convert_to_numpy(getattr(layers, case[0])(**others)(X))
        if case[1] == "use_bias":
            assert len(model.weights) == 1
        else:
            assert plain.shape != start.shape or not np.allclose(plain, start)


@pytest.mark.parametrize("case", sorted(NOT_IN_THE_OUTPUT), ids="-".join)
def test_reloaded_arguments_that_only_training_sees_still_act(case, tmp_path):
    others, value = TABLE[case]
    inputs = keras.Input(X.shape[1:])
    layer = getattr(layers, case[0])(**others, **{case[1]: value}, name="tested")
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    expected = ops.convert_to_numpy(model(X, training=True))
    np.testing.assert_array_equal(ops.convert_to_numpy(again(X, training=True)), expected)


def test_lists_from_json_and_a_bare_operator_are_taken():
    layer = layers.HybridPooling([3, 5], "max")
    assert layer.kernels == (3, 5) and layer.operators == ("max",)
    assert layers.HybridPooling([3], ["max", "average"]).operators == ("max", "average")


# Mixed precision by Keras' global policy.


@pytest.mark.parametrize("name", layers.__all__)
def test_global_mixed_precision(name, global_policy):
    global_policy("mixed_bfloat16")
    layer = getattr(layers, name)(**NEEDED.get(name, {}))
    y = layer(X)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    assert {weight.dtype for weight in layer.weights} <= {"float32"}
    assert layer.compute_dtype == "bfloat16"


@pytest.mark.parametrize("name", layers.__all__)
def test_computed_output_shape_is_the_actual_one(name):
    layer = getattr(layers, name)(**NEEDED.get(name, {}))
    y = layer(X)
    assert layer.compute_output_shape(X.shape) == tuple(y.shape)
    symbolic = layer(keras.Input((None, None, 12)))
    assert symbolic.shape == (None, None, None, y.shape[-1]) and symbolic.dtype == "float32"

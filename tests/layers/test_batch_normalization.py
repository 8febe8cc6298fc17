"""Batch normalization against Keras' own: outputs, gradients, moving statistics, and the cases left to Keras."""

import keras
import numpy as np
import pytest
from keras import ops

from tformer_keras.layers import BatchNormalization

X = np.random.default_rng(0).normal(3, 2, (3, 5, 4, 7)).astype("float32")
WEIGHT = np.random.default_rng(1).normal(size=X.shape).astype("float32")


def pair(channels: int = 7, shape: tuple | None = None, **arguments) -> list[keras.layers.Layer]:
    """This class and Keras', with the same random weights."""
    layers = []
    for make in (BatchNormalization, keras.layers.BatchNormalization):
        layer = make(**arguments)
        layer.build(shape or (None, None, None, channels))
        rng = np.random.default_rng(2)
        layer.set_weights([rng.uniform(0.5, 2, w.shape) for w in layer.weights])
        layers.append(layer)
    return layers


def check_training(layers: list[keras.layers.Layer], x: np.ndarray, tolerance: float = 1e-5, **call) -> None:
    ours, theirs = (ops.convert_to_numpy(ops.cast(f(x, training=True, **call), "float32")) for f in layers)
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
    for mine, other in zip(*(layer.weights for layer in layers), strict=True):
        assert mine.name == other.name
        np.testing.assert_allclose(*(ops.convert_to_numpy(v) for v in (mine, other)), rtol=1e-5, atol=1e-6)


ARGUMENTS = {
    "defaults": {},
    "the model's": {"momentum": 0.9, "epsilon": 1e-5, "gamma_constraint": keras.constraints.NonNeg()},
    "no center": {"center": False},
    "no scale": {"scale": False},
    "frozen": {"trainable": False},
    "renorm": {"renorm": True},
    "axis 1": {"axis": 1, "shape": (None, 5, None, None)},
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
def test_equals_keras_in_training_and_inference(arguments):
    layers = pair(**arguments)
    for _ in range(2):
        check_training(layers, X)
    np.testing.assert_allclose(*(ops.convert_to_numpy(layer(X)) for layer in layers), rtol=1e-5, atol=1e-5)


def test_the_moving_variance_is_that_over_n():
    layer = pair(momentum=0.0)[0]
    layer(X[:1, :2, :1], training=True)  # two values a channel: n and n - 1 differ by half
    expected = X[:1, :2, :1].var((0, 1, 2))
    np.testing.assert_allclose(ops.convert_to_numpy(layer.moving_variance), expected, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1, 1), (4, 1, 1), (1, 9, 3)])
def test_few_values(size):
    check_training(pair(), np.ascontiguousarray(np.resize(X, (*size, 7))), tolerance=1e-4)


@pytest.mark.parametrize("name", ["input", "gamma", "beta"])
def test_gradients(gradient, name):
    found = []
    for layer in pair(epsilon=1e-5):
        fixed = [variable.value for variable in layer.non_trainable_variables]
        start = X if name == "input" else ops.convert_to_numpy(getattr(layer, name))

        def loss(value, layer=layer, fixed=fixed):
            weights = [value if v.name == name else v.value for v in layer.trainable_variables]
            x = value if name == "input" else X
            return ops.sum(layer.stateless_call(weights, fixed, x, training=True)[0] * WEIGHT)

        found.append(gradient(loss, start))
    assert np.abs(found[1]).max() > 1e-2
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16", "float64"])
def test_precisions(dtype):
    if dtype == "float64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has no float64 unless it is switched on")
    layers = pair(dtype=dtype)
    assert keras.backend.standardize_dtype(layers[0](X, training=True).dtype) == dtype.removeprefix("mixed_")
    check_training(pair(dtype=dtype), X, tolerance=1e-5 if dtype == "float64" else 2e-2)


def test_masks_and_other_ranks_are_keras():
    mask = np.random.default_rng(3).random(X.shape[:3]) < 0.5
    check_training(pair(), X, mask=mask)
    check_training(pair(shape=(None, 7)), X[:, 0, 0])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the fused operation is TensorFlow's")
def test_a_training_graph_holds_the_fused_operation():
    import tensorflow as tf

    layer = pair()[0]
    for training, expected in ((True, 1), (False, 0)):
        graph = (
            tf.function(layer)
            .get_concrete_function(tf.TensorSpec((None, None, None, 7)), training=training)
            .graph
        )
        assert sum(op.type == "FusedBatchNormV3" for op in graph.get_operations()) == expected


def test_a_file_reloads_to_this_class_and_keeps_the_constraint(tmp_path):
    inputs = keras.Input((5, 4, 7))
    layer = BatchNormalization(momentum=0.8, gamma_constraint=keras.constraints.NonNeg(), name="norm")
    model = keras.Model(inputs, layer(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").get_layer("norm")
    assert type(again) is BatchNormalization and again.get_config() == layer.get_config()
    assert isinstance(again.gamma_constraint, keras.constraints.NonNeg) and again.momentum == 0.8

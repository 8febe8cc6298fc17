"""A stem on blocks of columns equals the convolution with stride, in float, trained and saved."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

import tformer_keras
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.interpreter import LiteRT


def stem(size, channels, kernel, strides, padding, margins=None):
    inputs = x = keras.Input((*size, channels))
    if margins is not None:
        x = layers.ZeroPadding2D(margins)(x)
    return keras.Model(inputs, layers.Conv2D(6, kernel, strides, padding, activation="relu", name="stem")(x))


def widened(lowered):
    return [node for node in lowered.graph.nodes.values() if "column_block" in node.attributes]


@settings(max_examples=25)
@given(
    size=st.tuples(st.integers(12, 30), st.integers(12, 30)),
    channels=st.integers(1, 4),
    kernel=st.tuples(st.integers(1, 7), st.integers(2, 7)),
    strides=st.tuples(st.integers(1, 4), st.integers(2, 4)),
    padding=st.sampled_from(["same", "valid"]),
    margins=st.none() | st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * 2),
)
def test_equals_the_convolution(
    size, channels, kernel, strides, padding, margins, randomise, largest_difference
):
    # Keras' Conv2D on TensorFlow takes any strides.
    model = randomise(stem(size, channels, kernel, strides, padding, margins))
    lowered = lower(model, rewrites=["widen_stem"])
    assert largest_difference(model, lowered.model) < 1e-6
    if padding == "same" and kernel[1] >= strides[1] and kernel[0] >= strides[0] and margins is None:
        (node,) = widened(lowered)
        assert node.attributes["strides"] == (strides[0], 1)
        assert lowered.graph[node.inputs[0]].channels == strides[1] * channels


@pytest.mark.parametrize(
    "changes",
    [
        {"channels": 5},
        {"strides": (2, 1)},
        {"kernel": (3, 1)},
        {"size": (16, 20), "strides": (2, 3), "padding": "valid"},
    ],
    ids=["many channels", "no stride", "windows that do not meet", "columns that no window reaches"],
)
def test_other_convolutions_stay(changes, largest_difference):
    arguments = {
        "size": (16, 16),
        "channels": 3,
        "kernel": (3, 3),
        "strides": (2, 2),
        "padding": "same",
    } | changes
    model = stem(**arguments)
    lowered = lower(model, rewrites=["widen_stem"])
    assert not widened(lowered)
    assert largest_difference(model, lowered.model) < 1e-6


def test_not_for_microcontrollers():
    assert not widened(lower(stem((16, 16), 3, 3, 2, "same"), target="micro"))


def test_trains_and_moves_to_the_other_target(randomise):
    """Its weights are the whole kernel's alone: what was trained in blocks is read by a graph without."""
    model = randomise(stem((16, 16), 3, (7, 7), (4, 4), "same"))
    images = np.random.default_rng(0).standard_normal((8, 16, 16, 3)).astype("float32")
    quantized = tformer_keras.quantize_aware(model)
    quantized.calibrate([images])
    before = quantized.weights["stem/kernel"].copy()
    quantized.model.compile("sgd", "mse")
    quantized.model.fit(images, np.ones((8, 4, 4, 6), "float32"), epochs=2, verbose=0)
    weights = quantized.weights
    assert weights["stem/kernel"].shape == (7, 7, 3, 6)
    assert np.abs(weights["stem/kernel"] - before).max() > 1e-5
    other = tformer_keras.quantize_aware(model, target="micro")
    other.weights, other.ranges = weights, quantized.ranges
    assert widened(quantized.lowered) and not widened(other.lowered)
    expected = other.model.predict(images, verbose=0)
    assert (
        np.abs(quantized.model.predict(images, verbose=0) - expected).max() <= 1.01 * np.ptp(expected) / 255
    )
    # The files compute the same to the bit: zeros add nothing.
    one, two = (LiteRT(export_flatbuffer(model), "reference") for model in (quantized, other))
    batch = np.random.default_rng(1).integers(-128, 128, (5, 16, 16, 3)).astype("int8")
    outputs = one.run_all(batch)[0]
    assert len(np.unique(outputs)) > 20
    np.testing.assert_array_equal(outputs, two.run_all(batch)[0])

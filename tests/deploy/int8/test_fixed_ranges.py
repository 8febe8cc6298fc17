"""Tensors whose int8 range TFLite fixes beside others in a concatenation, minimum or maximum: nothing is cut off."""

import keras
import numpy as np
import pytest
from keras import layers

from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.interpreter import LiteRT

SIZE = (6, 8)


def model_of(join, fixed, behind=()):
    keras.utils.set_random_seed(4)
    inputs = keras.Input((*SIZE, 3))
    scores = layers.Activation(fixed)(layers.Conv2D(4, 1, name="logits")(inputs))
    for layer in behind:
        scores = layer(scores)
    size = scores.shape[1:3]
    deltas = layers.Conv2D(
        4, 1, use_bias=False, kernel_initializer=keras.initializers.RandomNormal(stddev=4), name="deltas"
    )(layers.Resizing(*size)(inputs))
    return keras.Model(inputs, join([scores, deltas]))


CASES = {
    "concatenation with sigmoid": (layers.Concatenate(), "sigmoid", ()),
    "concatenation with tanh": (layers.Concatenate(), "tanh", ()),
    "concatenation of rows": (layers.Concatenate(axis=1), "sigmoid", ()),
    "maximum": (layers.Maximum(), "sigmoid", ()),
    "minimum": (layers.Minimum(), "tanh", ()),
    "through a crop": (layers.Concatenate(), "sigmoid", (layers.Cropping2D(1),)),
    "through a doubling": (layers.Concatenate(), "sigmoid", (layers.UpSampling2D(2),)),
    "through a pooling": (layers.Concatenate(), "sigmoid", (layers.MaxPooling2D(2),)),
}


@pytest.mark.parametrize("join,fixed,behind", CASES.values(), ids=CASES)
@pytest.mark.parametrize("target", ["litert", "micro"])
def test_the_others_keep_their_numbers(join, fixed, behind, target):
    model = model_of(join, fixed, [type(one).from_config(one.get_config()) for one in behind])
    images = np.random.default_rng(0).normal(size=(16, *SIZE, 3)).astype("float32")
    expected = np.asarray(model(images, training=False))
    quantized = quantize_aware(model, target)
    quantized.calibrate([images])
    flatbuffer = export_flatbuffer(quantized, io="float32")
    for received in (
        np.asarray(quantized.model(images, training=False)),
        LiteRT(flatbuffer).run_all(images)[0],
    ):
        # The range of all is that of the widest: a step of it, and a step of the scores before.
        step = np.ptp(expected) / 255
        assert np.abs(received - expected).max() < 3 * step + 0.02
        assert received.min() < -1 if expected.min() < -1.5 else True
    assert expected.min() < -1.5 or isinstance(join, layers.Maximum)


def test_parts_of_one_fixed_range_stay_as_they_are():
    inputs = keras.Input((*SIZE, 3))
    parts = [layers.Activation("sigmoid")(layers.Conv2D(4, 1)(inputs)) for _ in range(2)]
    graph = lower(keras.Model(inputs, layers.Concatenate()(parts))).graph
    assert [node for node in graph.nodes if ".free" in node] == []


def test_of_parts_of_two_fixed_ranges_each_is_freed():
    inputs = keras.Input((*SIZE, 3))
    parts = [layers.Activation(kind)(layers.Conv2D(4, 1)(inputs)) for kind in ("sigmoid", "tanh")]
    model = keras.Model(inputs, layers.Concatenate()(parts))
    images = np.random.default_rng(0).normal(size=(16, *SIZE, 3)).astype("float32")
    quantized = quantize_aware(model)
    quantized.calibrate([images])
    received = LiteRT(export_flatbuffer(quantized, io="float32")).run_all(images)[0]
    # A few steps of the ranges, whatever the weights are.
    assert np.abs(received - np.asarray(model(images))).max() < 0.05
    assert len([node for node in quantized.lowered.graph.nodes if ".free" in node]) == 2

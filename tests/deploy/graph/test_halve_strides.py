"""Convolutions of stride 4 and 6 as half of it and every second pixel: the same numbers."""

import keras
import numpy as np
import pytest
from keras import layers

from tformer_keras.deploy.graph.lower import TARGETS, lower
from tformer_keras.deploy.int8.quantized_model import load_quantized, quantize_aware
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.interpreter import LiteRT

SHAPE = (33, 26, 3)
IMAGES = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype("float32")


def strides(lowered):
    return [
        tuple(node.attributes["strides"])
        for node in lowered.graph.nodes.values()
        if node.operation == "convolution"
    ]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "halved"),
    [
        (7, 4, 1, (2, 2)),
        (4, 4, 1, (2, 2)),
        ((1, 5), 4, 1, (2, 2)),
        (3, 6, 1, (3, 3)),
        (3, 5, 1, (5, 5)),
        (3, 2, 1, (2, 2)),
        (3, 1, 2, (1, 1)),
    ],
)
def test_strides_of_all_kinds_stay_exact(kernel, stride, dilation, halved, padding):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    convolution = layers.Conv2D(4, kernel, stride, padding, dilation_rate=dilation, activation="relu")
    model = keras.Model(inputs, convolution(inputs))
    lowered = lower(model, "micro", npu=True)
    assert strides(lowered) == [halved]
    received, expected = np.asarray(lowered.model(IMAGES)), np.asarray(model(IMAGES))
    assert received.shape == expected.shape and expected.std() > 0.1
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_int8_files_answer_the_same_to_the_bit(tmp_path):
    """Weights and ranges of one are the other's: the pixels between have the range of those that are taken."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(8, 7, 4, "same")(inputs)
    model = keras.Model(inputs, layers.Conv2D(3, 1)(x))
    plain = quantize_aware(model, "micro")
    plain.calibrate([IMAGES])
    plain.weights_file(tmp_path / "arrays.npz")
    for_npu = load_quantized(model, tmp_path / "arrays.npz", npu=True)
    assert set(for_npu.rewrites) - set(TARGETS["micro"]) == {"separable_max", "halve_strides"}
    assert strides(plain.lowered)[0] == (4, 4) and strides(for_npu.lowered)[0] == (2, 2)
    one, other = (
        LiteRT(export_flatbuffer(each, "int8", "int8", 4), "reference") for each in (plain, for_npu)
    )
    pixels = np.random.default_rng(1).integers(-128, 128, (4, *SHAPE)).astype("int8")
    np.testing.assert_array_equal(one.run(pixels)[0], other.run(pixels)[0])

"""Max pools as two, one an axis: the same numbers to the bit, for microcontrollers with an NPU alone."""

import keras
import numpy as np
import pytest
from keras import layers

from tformer_keras.deploy.graph.lower import NPU, TARGETS, choose_rewrites, lower
from tformer_keras.deploy.int8.quantized_model import load_quantized, quantize_aware
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.layers import HybridPooling

SHAPE = (9, 7, 10)
IMAGES = np.random.default_rng(0).normal(size=(4, *SHAPE)).astype("float32")


def sizes(lowered):
    return sorted(
        node.attributes["size"] for node in lowered.graph.nodes.values() if node.operation == "max_pool"
    )


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(
    ("size", "stride", "expected"),
    [
        ((5, 5), 1, [(1, 5), (5, 1)]),
        ((4, 5), 1, [(1, 5), (4, 1)]),
        ((3, 3), 1, [(3, 3)]),
        ((5, 5), 2, [(5, 5)]),
        ((1, 5), 1, [(1, 5)]),
    ],
)
def test_pools_of_all_kinds_stay_exact(size, stride, padding, expected):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, layers.MaxPooling2D(size, stride, padding)(inputs))
    lowered = lower(model, "micro", npu=True)
    assert sizes(lowered) == expected and set(lowered.rewrites) == {*TARGETS["micro"], *NPU["micro"]}
    np.testing.assert_array_equal(np.asarray(lowered.model(IMAGES)), np.asarray(model(IMAGES)))


def test_where_they_are_for():
    assert not set(NPU["micro"]) & set(TARGETS["micro"] + TARGETS["litert"])
    assert choose_rewrites("litert", "all", npu=True) == TARGETS["litert"]
    assert choose_rewrites("micro", ["fold_norms"], npu=True) == ("fold_norms", *NPU["micro"])


def test_int8_files_answer_the_same_to_the_bit(tmp_path):
    """Weights and ranges of one are the other's: no tensor between the two pools has a range of its own."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    pooled = HybridPooling((3, 5), ("average", "max"))(layers.Conv2D(12, 1)(inputs))
    model = keras.Model(inputs, layers.Conv2D(3, 1)(pooled))
    plain = quantize_aware(model, "micro")
    plain.calibrate([IMAGES])
    plain.weights_file(tmp_path / "arrays.npz")
    for_npu = load_quantized(model, tmp_path / "arrays.npz", npu=True)
    assert set(for_npu.rewrites) == {*plain.rewrites, *NPU["micro"]}
    assert sizes(plain.lowered) == [(3, 3), (5, 5)] and sizes(for_npu.lowered) == [(1, 5), (3, 3), (5, 1)]
    one, other = (
        LiteRT(export_flatbuffer(each, "int8", "int8", 4), "reference") for each in (plain, for_npu)
    )
    pixels = np.random.default_rng(1).integers(-128, 128, (4, *SHAPE)).astype("int8")
    np.testing.assert_array_equal(one.run(pixels)[0], other.run(pixels)[0])

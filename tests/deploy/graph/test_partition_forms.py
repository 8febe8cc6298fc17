"""Forms that keep a model in one partition of XNNPACK: average pools, pools of one pixel, ReLUs that stand alone."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tformer_keras.deploy.graph.lower import TARGETS, lower
from tformer_keras.deploy.graph.lowering_proof import prove_lowering
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.interpreter import LiteRT

SHAPE = (9, 12, 4)
IMAGES = np.random.default_rng(0).normal(size=(6, *SHAPE)).astype("float32")


@settings(max_examples=25)
@given(
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    strides=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["same", "valid"]),
    image=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    largest=st.booleans(),
)
def test_pools_of_all_kinds_stay_exact(size, strides, padding, image, largest):
    kind = layers.MaxPooling2D if largest else layers.AveragePooling2D
    inputs = keras.Input((*image, 3))
    model = keras.Model(inputs, kind(size, strides, padding)(inputs))
    lowered = lower(model)
    images = np.random.default_rng(1).normal(size=(3, *image, 3)).astype("float32")
    np.testing.assert_allclose(np.asarray(lowered.model(images)), np.asarray(model(images)), atol=1e-6)
    left = {node.operation for node in lowered.graph.nodes.values()} & {"average_pool", "max_pool"}
    if strides[0] == strides[1]:
        assert left == ({"max_pool"} if largest and size != (1, 1) else set())


def joined(x):
    """A sum that two read, of which one through a ReLU: Xception's blocks."""
    total = layers.Add()([x, layers.Conv2D(4, 1)(x)])
    return layers.Add()([layers.Conv2D(4, 1)(layers.ReLU()(total)), total])


FORMS = {
    "transition, DenseNet": layers.AveragePooling2D(2),
    "branch, Inception": layers.AveragePooling2D(3, 1, padding="same"),
    "shortcut, NASNet": layers.AveragePooling2D(1, 2),
    "shortcut, ResNetV2": layers.MaxPooling2D(1, 2),
    "the whole map": layers.AveragePooling2D(SHAPE[:2]),
    "a sum before two readers, Xception": joined,
    "a concatenation, NASNet": lambda x: layers.ReLU()(layers.Concatenate()([x, layers.Conv2D(3, 1)(x)])),
    "a pool": lambda x: layers.ReLU(6)(layers.MaxPooling2D(3, 2)(x)),
}


@pytest.mark.parametrize("name", FORMS)
def test_one_partition_computes_it_in_int8(name):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    outputs = FORMS[name](layers.Conv2D(4, 3, padding="same")(inputs))
    model = keras.Model(inputs, layers.Conv2D(5, 1)(outputs))
    quantized = quantize_aware(model)
    assert prove_lowering(model, quantized.lowered, IMAGES) < 1e-6
    quantized.calibrate([IMAGES])
    flatbuffer = export_flatbuffer(quantized, io="float32")
    expected = np.asarray(model(IMAGES))
    for kernels in ("xnnpack", "reference"):
        litert = LiteRT(flatbuffer, kernels)
        if kernels == "xnnpack":
            assert litert.delegation() == (1, {})
        difference = litert.run_all(IMAGES)[0] - expected
        assert np.sqrt(np.mean(difference**2)) < 0.03 * expected.std()


def test_microcontrollers_keep_the_operations():
    for name in ("pools_as_depthwise", "relu_in_product"):
        assert name in TARGETS["litert"] and name not in TARGETS["micro"]
    inputs = keras.Input(SHAPE)
    pooled = layers.AveragePooling2D(2)(layers.MaxPooling2D(1, 2)(inputs))
    operations = [node.operation for node in lower(keras.Model(inputs, pooled), "micro").graph.nodes.values()]
    assert operations == ["input", "max_pool", "average_pool"]

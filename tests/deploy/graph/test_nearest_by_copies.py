"""Nearest upsampling as copies: equal to Keras', in one partition of XNNPACK; and crops, which the pyramid needs."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tformer_edge.graph import read_graph
from tformer_keras.deploy.graph.lower import TARGETS, lower
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.interpreter import LiteRT


def model_of(size, channels, factor, crop=((0, 0), (0, 0))):
    inputs = keras.Input((*size, channels))
    x = layers.UpSampling2D(factor, interpolation="nearest", name="up")(inputs)
    return keras.Model(inputs, layers.Cropping2D(crop, name="crop")(x))


@settings(max_examples=25)
@given(
    size=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    channels=st.integers(1, 5),
    factor=st.integers(2, 4),
    data=st.data(),
)
def test_equals_keras_pixel_by_pixel(size, channels, factor, data):
    top, left = (data.draw(st.integers(0, factor * side - 1)) for side in size)
    bottom, right = (
        data.draw(st.integers(0, factor * side - 1 - cut))
        for side, cut in zip(size, (top, left), strict=True)
    )
    model = model_of(size, channels, factor, ((top, bottom), (left, right)))
    lowered = lower(model)
    assert "resize" not in {node.operation for node in lowered.graph.nodes.values()}
    images = np.random.default_rng(0).normal(size=(2, *size, channels)).astype("float32")
    expected = images.repeat(factor, 1).repeat(factor, 2)
    expected = expected[:, top : factor * size[0] - bottom, left : factor * size[1] - right]
    np.testing.assert_array_equal(np.asarray(model(images)), expected)
    np.testing.assert_array_equal(np.asarray(lowered.model(images)), expected)


@pytest.mark.parametrize("factor,bilinear", [((2, 3), False), (2, True), (1, False)])
def test_what_is_no_whole_factor_of_both_sides_stays(factor, bilinear, largest_difference):
    inputs = keras.Input((4, 5, 3))
    kind = "bilinear" if bilinear else "nearest"
    model = keras.Model(inputs, layers.UpSampling2D(factor, interpolation=kind)(inputs))
    lowered = lower(model)
    assert [node.operation for node in lowered.graph.nodes.values()] == ["input", "resize"]
    assert largest_difference(model, lowered.model) < 1e-6


def test_the_rewrite_is_for_litert_alone_and_can_be_left_out():
    assert "nearest_by_copies" in TARGETS["litert"] and "nearest_by_copies" not in TARGETS["micro"]
    model = model_of((4, 5), 3, 2)
    for lowered in (lower(model, "micro"), lower(model, rewrites="none")):
        assert "resize" in {node.operation for node in lowered.graph.nodes.values()}


@pytest.fixture(scope="module")
def quantized_pyramid():
    """flatbuffer(target, rewrites) of a small pyramid with one doubling and one crop."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((10, 14, 4))
    fine = layers.Conv2D(8, 3, 2, padding="same", name="fine")(inputs)
    coarse = layers.Conv2D(8, 3, 2, padding="same", name="coarse")(fine)
    twice = layers.Cropping2D(((0, 1), (0, 1)))(layers.UpSampling2D(2)(coarse))
    model = keras.Model(inputs, layers.Conv2D(3, 1, name="end")(layers.Add()([fine, twice])))
    images = np.random.default_rng(1).normal(size=(8, 10, 14, 4)).astype("float32")

    def convert(target, rewrites):
        quantized = quantize_aware(model, target, rewrites)
        quantized.calibrate([images])
        return export_flatbuffer(quantized)

    return convert


def test_a_pyramid_is_one_partition_and_computes_the_same_int8(quantized_pyramid):
    fast, plain = quantized_pyramid("litert", "all"), quantized_pyramid("litert", "none")
    assert LiteRT(fast).delegation() == (1, {})
    partitions, left = LiteRT(plain).delegation()
    assert partitions > 1 and left["RESIZE_NEAREST_NEIGHBOR"] == 1
    pixels = np.random.default_rng(2).integers(-128, 128, (16, 10, 14, 4)).astype("int8")
    results = [
        LiteRT(file, kernels).run_all(pixels)[0]
        for file in (fast, plain)
        for kernels in ("xnnpack", "reference")
    ]
    # The same numbers moved otherwise: bit for bit, of each set of kernels.
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[3])
    assert len(np.unique(results[0])) > 50


def test_microcontrollers_keep_the_operation(quantized_pyramid):
    operations = [operation.type for operation in read_graph(quantized_pyramid("micro", "all")).operations]
    assert operations.count("RESIZE_NEAREST_NEIGHBOR") == 1 and "CONCATENATION" not in operations

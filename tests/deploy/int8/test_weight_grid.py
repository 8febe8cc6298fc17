"""The int8 grid of weights: while what it holds is kept, no scale moves, and what stays keeps its byte."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tformer_edge.graph import read_graph
from tformer_keras.deploy.graph.operations import ChannelConstant
from tformer_keras.deploy.int8.fake_quantization import PerChannelWeightQuantizer
from tformer_keras.deploy.int8.quantized_model import QuantizedModel, quantize_aware
from tformer_keras.deploy.int8.weight_grid import weight_grids
from tformer_keras.deploy.tflite.export import export_flatbuffer


@pytest.fixture(scope="module")
def quantized() -> QuantizedModel:
    """Every kind of kernel, and a factor that cannot be folded away."""
    keras.utils.set_random_seed(4)
    inputs = layers.Input((8, 8, 3))
    hidden = layers.Conv2D(6, 3, padding="same", name="whole")(inputs)
    hidden = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depth")(hidden)
    hidden = layers.Conv2DTranspose(5, 2, strides=2, name="up")(layers.Activation("tanh")(hidden))
    hidden = layers.BatchNormalization(name="norm")(layers.Activation("tanh")(hidden))
    model = keras.Model(inputs, layers.Dense(4, name="head")(layers.GlobalMaxPooling2D()(hidden)))
    random = np.random.default_rng(1)
    model.set_weights(
        [random.uniform(0.2, 1, w.shape) * random.choice([-1, 1], w.shape) for w in model.weights]
    )
    model.get_layer("norm").moving_variance.assign(np.ones(5))
    result = quantize_aware(model)
    result.calibrate([random.normal(size=(8, 8, 8, 3)).astype("float32")])
    return result


def test_moves_within_the_grid_keep_every_scale_of_the_file(quantized: QuantizedModel) -> None:
    start = [variable.numpy() for variable in quantized.trained_variables]
    flatbuffer = export_flatbuffer(quantized)
    random = np.random.default_rng(2)
    for variable, value, grid in zip(
        quantized.trained_variables, start, weight_grids(quantized), strict=True
    ):
        wide = value + random.normal(0, 2, value.shape)
        variable.assign(np.where(grid.anchored, value, np.clip(wide, grid.low, grid.high)))
    moved = export_flatbuffer(quantized)
    before, after = read_graph(flatbuffer).tensors, read_graph(moved).tensors
    assert len(flatbuffer) == len(moved) and flatbuffer != moved
    assert [(one.scales, one.zero_points, one.shape) for one in before] == [
        (one.scales, one.zero_points, one.shape) for one in after
    ]
    for variable, value in zip(quantized.trained_variables, start, strict=True):
        variable.assign(value)


def test_a_step_is_that_of_the_fake_quantization(quantized: QuantizedModel) -> None:
    quantizer, seen = PerChannelWeightQuantizer(), set()
    for variable, grid in zip(quantized.trained_variables, weight_grids(quantized), strict=True):
        if grid.step is None:
            continue
        values = variable.numpy()
        if values.ndim == 1:
            layer = ChannelConstant(len(values), "scale", quantized=True)
            layer.build((1, len(values)))
            layer.scale.assign(values)
            rounded = layer(tf.ones((1, len(values)))).numpy()[0]
        else:
            depthwise, transposed = "depthwise" in variable.name, values.shape[:2] == (2, 2)
            rounded = quantizer(
                tf.constant(values), False, {"depthwise": depthwise, "transposed": transposed}
            ).numpy()
        steps = rounded / grid.step
        np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)
        assert np.abs(rounded - values).max() <= 0.51 * grid.step.max()
        seen.add(values.ndim)
    assert seen >= {2, 4}


def test_what_stands_in_the_file_once_for_several_is_anchored() -> None:
    inputs = layers.Input((8, 8, 3))
    hidden = layers.Conv2D(4, 3, name="a")(inputs)
    hidden = layers.Conv2D(4, 3, name="b")(layers.Activation("tanh")(hidden))
    model = keras.Model(inputs, layers.Conv2D(4, 3, name="c")(layers.Activation("tanh")(hidden)))
    for name, bias in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        model.get_layer(name).bias.assign(np.full(4, bias))
    for values, anchored in ((2.0, [False] * 4), (0.0, [True] * 4)):
        model.get_layer("c").bias.assign(np.full(4, values))
        quantized = quantize_aware(model)
        pairs = zip(quantized.bindings, weight_grids(quantized), strict=True)
        biases = {weight.name: grid.anchored.tolist() for (_, weight), grid in pairs if grid.step is None}
        assert biases == {"a/bias": [True] * 4, "b/bias": [True] * 4, "c/bias": anchored}


def test_kernels_of_the_same_int8_bytes_are_held_whole() -> None:
    """As those of a detector's levels, whose norms bring a factor for each channel: the file has the bytes once."""
    inputs = layers.Input((8, 8, 4))
    hidden = layers.Conv2D(4, 3, name="a")(inputs)
    hidden = layers.Conv2D(4, 3, name="b")(layers.Activation("tanh")(hidden))
    model = keras.Model(inputs, layers.Conv2D(4, 3, name="c")(layers.Activation("tanh")(hidden)))
    kernel = np.random.default_rng(0).normal(size=(3, 3, 4, 4))
    other = kernel.copy()
    other[0, 0, 0, 0] *= 0.5
    for name, values in (("a", kernel), ("b", kernel * (0.5, 1, 2, 4)), ("c", other)):
        model.get_layer(name).set_weights([values, np.arange(1, 5) * len(name) + ord(name)])
    quantized = quantize_aware(model)
    quantized.calibrate([np.random.default_rng(1).normal(size=(4, 8, 8, 4)).astype("float32")])
    pairs = zip(quantized.bindings, weight_grids(quantized), strict=True)
    held = {weight.name: grid.anchored.all() for (_, weight), grid in pairs if grid.step is not None}
    assert held == {"a/kernel": True, "b/kernel": True, "c/kernel": False}
    kernels = [one for one in read_graph(export_flatbuffer(quantized)).tensors if one.shape == (4, 3, 3, 4)]
    assert len(kernels) == 3 and len({one.buffer for one in kernels}) == 2


def test_a_channel_of_zeros_stays() -> None:
    model = keras.Sequential([layers.Input((6, 6, 3)), layers.Conv2D(2, 3)])
    kernel = np.random.default_rng(0).normal(size=(3, 3, 3, 2))
    kernel[..., 0] = 0
    model.set_weights([kernel, np.ones(2)])
    grid = weight_grids(quantize_aware(model))[0]
    assert grid.anchored[..., 0].all() and grid.anchored[..., 1].sum() == 1
    assert grid.step is not None and (grid.step > 0).all()

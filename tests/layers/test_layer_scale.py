"""LayerScale: one learned factor a channel."""

import keras
import numpy as np
import pytest
from keras import ops

from tformer_keras.layers import LayerScale


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("value", [1e-5, 1e-6, 0.5, 0, -2])
def test_every_factor_starts_at_the_initial_value(value):
    layer = LayerScale(value)
    layer.build((None, 3, 3, 5))
    (scale,) = layer.get_weights()
    np.testing.assert_array_equal(scale, np.full(5, value, "float32"))
    assert len(layer.trainable_weights) == 1 and layer.weights[0].path.endswith("/scale")


@pytest.mark.parametrize("shape", [(2, 6), (2, 3, 6), (2, 3, 4, 6), (2, 1, 3, 4, 6)])
def test_each_channel_is_multiplied_by_its_own_factor(shape):
    layer, x, scale = LayerScale(), random(*shape), random(6, seed=1)
    layer.build(shape)
    layer.set_weights([scale])
    y = ops.convert_to_numpy(layer(x))
    for channel in range(6):
        np.testing.assert_allclose(y[..., channel], x[..., channel] * scale[channel], rtol=1e-6)


def test_the_gradient(gradient):
    layer, x = LayerScale(0.5), random(1, 2, 2, 3)
    np.testing.assert_allclose(gradient(lambda v: ops.sum(layer(v)), x), np.full(x.shape, 0.5))


def test_a_training_step_moves_each_factor_by_its_own_gradient():
    inputs = keras.Input((1, 1, 2))
    model = keras.Model(inputs, LayerScale(1.0)(inputs))
    model.compile(keras.optimizers.SGD(0.1), "mse")
    x, target = np.ones((4, 1, 1, 2), "float32"), np.full((4, 1, 1, 2), [3, -1], "float32")
    model.train_on_batch(x, target)
    # d/ds of the mean of (s - target)² over two channels is (s - target).
    np.testing.assert_allclose(model.get_weights()[0], [1 + 0.1 * 2, 1 - 0.1 * 2], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_mixed_precision(dtype):
    layer, x = LayerScale(0.5, dtype=f"mixed_{dtype}"), np.float32([[1, 2, -4]])
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    assert layer.scale.dtype == "float32"
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.cast(y, "float32")), x / 2)


def test_a_tiny_factor_survives_float16_storage_of_activations():
    # 1e-5 is below float16's normal range but is kept to a few bits; it must not become zero.
    y = ops.convert_to_numpy(LayerScale(1e-5, dtype="mixed_float16")(np.full((1, 1, 1, 2), 100, "float32")))
    np.testing.assert_allclose(y.astype("float32"), 1e-3, rtol=0.02)


@pytest.mark.parametrize("shape", [(2, 5, 7, 3), (None, 5, None, 3), (None, 3)])
def test_shape_inference(shape):
    layer = LayerScale()
    assert layer.compute_output_shape(shape) == shape
    assert layer(keras.KerasTensor(shape)).shape == shape
    if None not in shape:
        assert tuple(layer(np.zeros(shape, "float32")).shape) == shape


@pytest.mark.parametrize("shape", [(3,), (None, 4, 4, None)])
def test_wrong_shapes(shape):
    with pytest.raises(
        ValueError, match=r"LayerScale 'scale' expected \(batch, …, channels\) with known channels, received"
    ):
        LayerScale(name="scale").build(shape)


@pytest.mark.parametrize("value", [None, "small"], ids=repr)
def test_wrong_initial_value(value):
    with pytest.raises(ValueError, match="^`initial_value` expected a number, received "):
        LayerScale(value)

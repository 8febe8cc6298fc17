"""Stochastic depth: whole images dropped at the stated rate, the expectation kept, nothing done in inference."""

import keras
import numpy as np
import pytest
from keras import ops

from tformer_keras.layers import StochasticDepth


def drop(layer: StochasticDepth, x: np.ndarray, training: bool = True) -> np.ndarray:
    return ops.convert_to_numpy(layer(x, training=training))


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.9])
def test_the_rate_and_the_expectation(rate):
    images = 20_000
    y = drop(StochasticDepth(rate, seed=1), np.ones((images, 1, 1, 2), "float32"))
    dropped = (y[:, 0, 0, 0] == 0).mean()
    # Five standard deviations: one run in two million fails, and the seed is fixed.
    assert abs(dropped - rate) < 5 * np.sqrt(rate * (1 - rate) / images)
    assert y.mean() == pytest.approx(1, abs=5 * np.sqrt(rate / (1 - rate) / images))
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - rate)], rtol=1e-6)


def test_an_image_is_dropped_as_a_whole():
    x = np.random.default_rng(0).normal(size=(200, 3, 4, 5)).astype("float32")
    y = drop(StochasticDepth(0.5, seed=2), x)
    kept = 0
    for before, after in zip(x, y, strict=True):
        if np.any(after):
            kept += 1
            np.testing.assert_allclose(after, before * 2, rtol=1e-6)
    assert 60 < kept < 140


@pytest.mark.parametrize("shape", [(64,), (64, 3), (64, 2, 3), (64, 2, 1, 2, 3)])
def test_any_rank(shape):
    y = drop(StochasticDepth(0.5, seed=3), np.ones(shape, "float32")).reshape(64, -1)
    assert (y == y[:, :1]).all() and set(np.unique(y)) == {0, 2}


@pytest.mark.parametrize("arguments", [{"training": False}, {}])
def test_the_identity_in_inference(arguments):
    x = np.random.default_rng(0).normal(size=(50, 2, 2, 3)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(StochasticDepth(0.9)(x, **arguments)), x)


def test_rate_zero_is_the_identity_in_training():
    layer, x = StochasticDepth(0), np.random.default_rng(0).normal(size=(50, 2, 2, 3)).astype("float32")
    np.testing.assert_array_equal(drop(layer, x), x)
    assert layer.variables == []


def test_draws_differ_from_call_to_call_and_layer_to_layer():
    x = np.ones((64, 1), "float32")
    layer = StochasticDepth(0.5, seed=7)
    first, second = drop(layer, x), drop(layer, x)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, drop(StochasticDepth(0.5, seed=8), x))
    np.testing.assert_array_equal(first, drop(StochasticDepth(0.5, seed=7), x))


def test_keras_global_seed_repeats():
    x, draws = np.ones((64, 1), "float32"), []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        draws.append(drop(StochasticDepth(0.5), x))
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_fit_drops_and_predict_does_not():
    inputs = keras.Input((4,))
    model = keras.Model(inputs, StochasticDepth(0.5, seed=1)(inputs))
    model.compile("sgd", "mse")
    x = np.ones((256, 4), "float32")
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    # Kept: (2 - 1)²; dropped: (0 - 1)².
    assert model.fit(x, x, batch_size=256, verbose=0).history["loss"][0] == pytest.approx(1)
    assert model.evaluate(x, x, verbose=0) == 0


def test_the_gradient_of_a_dropped_image_is_zero(gradient):
    x = np.random.default_rng(0).normal(size=(40, 2, 2, 3)).astype("float32")
    y = drop(StochasticDepth(0.5, seed=5), x)
    layer = StochasticDepth(0.5, seed=5)
    slope = gradient(lambda v: ops.sum(layer(v, training=True)), x)
    np.testing.assert_allclose(slope, np.where(y == 0, 0.0, 2.0), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_keeps_the_rate(dtype):
    images = 20_000
    y = StochasticDepth(0.1, seed=1, dtype=f"mixed_{dtype}")(np.ones((images, 1), "float32"), training=True)
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    assert abs((ops.convert_to_numpy(y) == 0).mean() - 0.1) < 5 * np.sqrt(0.09 / images)


@pytest.mark.parametrize("shape", [(2, 5, 7, 3), (None, 5, None, 3), (None, 3)])
def test_shape_inference(shape):
    layer = StochasticDepth(0.2)
    assert layer.compute_output_shape(shape) == shape
    assert layer(keras.KerasTensor(shape), training=True).shape == shape
    if None not in shape:
        assert drop(layer, np.zeros(shape, "float32")).shape == shape


@pytest.mark.parametrize("rate", [1, 1.5, -0.1, float("nan"), None, "half"], ids=repr)
def test_wrong_rate(rate):
    with pytest.raises(
        ValueError, match="^`rate` expected a probability of at least 0 and below 1, received "
    ):
        StochasticDepth(rate)

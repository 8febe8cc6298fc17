"""The activations by name: values, gradients, precision, reload."""

import keras
import numpy as np
import pytest
from keras import ops

from tformer_keras.layers.activations import ACTIVATIONS, exact_gelu, quick_gelu

X = np.concatenate([np.linspace(-9, 9, 181), [-60, 60, 0]]).astype("float32")
KINKS = {"relu": [0], "relu6": [0, 6], "hard_swish": [-3, 3]}


def test_the_table_is_the_designs(reference):
    assert (
        set(ACTIVATIONS)
        == {"quick_gelu", "gelu", "relu", "relu6", "hard_swish"}
        == set(reference.ACTIVATIONS)
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values(reference, name):
    actual = ops.convert_to_numpy(ACTIVATIONS[name](X))
    np.testing.assert_allclose(actual, reference.ACTIVATIONS[name](X.astype("float64")), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients(reference, gradient, name):
    x, step = X.astype("float64"), 1e-5
    expected = (reference.ACTIVATIONS[name](x + step) - reference.ACTIVATIONS[name](x - step)) / (2 * step)
    actual = gradient(lambda v: ops.sum(ACTIVATIONS[name](v)), X)
    smooth = np.all([np.abs(X - kink) > 1e-3 for kink in KINKS.get(name, [])], axis=0) | np.zeros(
        X.shape, bool
    )
    assert smooth.sum() > 170
    np.testing.assert_allclose(actual[smooth], expected[smooth], rtol=1e-3, atol=1e-4)


def test_gelu_is_the_exact_one_and_quick_gelu_is_near_it():
    exact = ops.convert_to_numpy(exact_gelu(X))
    approximate = ops.convert_to_numpy(ops.gelu(X, approximate=True))
    assert 1e-4 < np.abs(exact - approximate).max() < 1e-3  # the tanh form would be equal to the last bits
    assert 1e-2 < np.abs(exact - ops.convert_to_numpy(quick_gelu(X))).max() < 0.021


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_half_precision(reference, name, dtype):
    y = ACTIVATIONS[name](ops.cast(X, dtype))
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    actual = ops.convert_to_numpy(ops.cast(y, "float32"))
    np.testing.assert_allclose(actual, reference.ACTIVATIONS[name](X.astype("float64")), rtol=0.03, atol=0.03)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_they_are_found_again_by_their_registered_name(name):
    config = keras.layers.Activation(ACTIVATIONS[name]).get_config()
    assert keras.layers.Activation.from_config(config).activation is ACTIVATIONS[name]

"""What the tests of the layers share: gradients on whichever backend runs."""

from collections.abc import Callable

import keras
import numpy as np
import pytest


@pytest.fixture(scope="session")
def gradient() -> Callable[..., np.ndarray]:
    """gradient(function, x): that of the scalar `function(x)` with respect to `x`, by the backend's own means."""

    def tensorflow_gradient(function: Callable, x: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x).numpy()

    def jax_gradient(function: Callable, x: np.ndarray) -> np.ndarray:
        import jax

        # One compilation, where each operation by itself would be one.
        return np.asarray(jax.jit(jax.grad(function))(x))

    return {"tensorflow": tensorflow_gradient, "jax": jax_gradient}[keras.backend.backend()]


@pytest.fixture
def global_policy():
    """keras.config.set_dtype_policy, undone after the test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)

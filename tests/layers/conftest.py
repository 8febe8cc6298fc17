"""What the tests of the layers share: the NumPy reference, and gradients on whichever backend runs."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

# JAX compiles an initializer and an operation for each new shape: tests are of results, not of speed.
if os.environ.get("KERAS_BACKEND") == "jax":
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")

import keras
import numpy as np
import pytest


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """tests/reference.py, which is imported by its path: the tests are no package."""
    path = Path(__file__).parents[1] / "reference.py"
    spec = importlib.util.spec_from_file_location("tformer_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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

        return np.asarray(jax.grad(function)(x))

    return {"tensorflow": tensorflow_gradient, "jax": jax_gradient}[keras.backend.backend()]


@pytest.fixture
def global_policy():
    """keras.config.set_dtype_policy, undone after the test."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)

"""What the tests of the models share: random weights, and each large model built once."""

import functools
from collections.abc import Callable

import keras
import numpy as np
import pytest

from tformer_keras.models import build


@pytest.fixture(scope="module")
def built() -> Callable[..., keras.Model]:
    """built(variant, **overrides): the model, made once a module and never changed by a test."""
    return functools.cache(lambda variant, **overrides: build(variant, **overrides))


@pytest.fixture(scope="session")
def randomise() -> Callable[..., keras.Model]:
    """Gives a model LayerScales of 0.5 to 1, random norms, statistics and biases: at 1e-5 every branch would vanish."""

    def draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name == "scale":
            return rng.uniform(0.5, 1, shape)
        if name in ("gamma", "moving_variance"):
            return rng.uniform(0.5, 1.5, shape)
        if name == "kernel":
            return rng.normal(
                0, 1 / np.sqrt(np.prod(shape[:-1]) / (shape[0] if len(shape) == 3 else 1)), shape
            )
        return rng.normal(0, 0.3, shape)  # biases, betas, means

    def apply(model: keras.Model, seed: int = 0) -> keras.Model:
        rng = np.random.default_rng(seed)
        model.set_weights([draw(rng, w.path.split("/")[-1], tuple(w.shape)) for w in model.weights])
        return model

    return apply

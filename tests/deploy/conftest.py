"""What the tests of lowering and quantization share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def largest_difference() -> Callable[..., float]:
    """largest_difference(keras 3 model, tf_keras model): max |Δ| over the output's range, on random images."""

    def measure(source: Any, device: Any, batch: int = 2, seed: int = 0) -> float:
        rng = np.random.default_rng(seed)
        images = rng.normal(size=(batch, *source.inputs[0].shape[1:])).astype("float32")
        expected, received = source(images, training=False), device(images, training=False)
        if not isinstance(expected, list | tuple):
            expected, received = [expected], [received]
        assert [tuple(e.shape) for e in expected] == [tuple(r.shape) for r in received]
        return max(
            float(np.abs(np.asarray(e) - np.asarray(r)).max() / max(np.ptp(np.asarray(e)), 1e-9))
            for e, r in zip(expected, received, strict=True)
        )

    return measure

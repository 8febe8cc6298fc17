"""Random weights that quantize as trained ones do, and images to calibrate on.

Speed does not depend on what a model has learnt. It does depend on quantized ranges being real, so every norm gets
random statistics and every LayerScale a random factor: a fresh TFormer's branches would all but vanish.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

CALIBRATION_IMAGES = 4


def randomise(model: Any, seed: int = 0) -> None:
    """Gives norms and LayerScales of a fresh model random values, in place: factors and variances 0.5 to 1.5, offsets
    and means around 0 with a deviation of 0.1, LayerScale 0.5 to 1."""
    import keras

    from benchmarks.peers.affine import Affine
    from tformer_keras.layers import LayerScale

    random = np.random.default_rng(seed)
    norms = (
        keras.layers.BatchNormalization,
        keras.layers.GroupNormalization,
        keras.layers.LayerNormalization,
        Affine,
    )
    for layer in model.layers:
        if isinstance(layer, norms):
            for variable in layer.weights:
                around_one = variable.name in ("gamma", "alpha", "moving_variance")
                shape = variable.shape
                variable.assign(
                    random.uniform(0.5, 1.5, shape) if around_one else random.normal(0, 0.1, shape)
                )
        elif isinstance(layer, LayerScale):
            layer.scale.assign(random.uniform(0.5, 1.0, layer.scale.shape))


def calibration_images(shape: tuple[int, int, int], seed: int = 1) -> Iterator[np.ndarray]:
    """Batches `(1, height, width, channels)` of standard normal float32: the ranges of normalised images."""
    random = np.random.default_rng(seed)
    for _ in range(CALIBRATION_IMAGES):
        yield random.standard_normal((1, *shape), dtype="float32")

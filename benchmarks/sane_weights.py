"""Random weights under which an untrained model's tensors have the ranges of a trained one's."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def give_sane_weights(model: keras.Model, images: Any, seed: int = 0) -> None:
    """Gives norms random factors and offsets, LayerScales 0.5 to 1, BatchNorms the statistics of `images`, in place.

    A fresh model's BatchNorms do not know what their convolutions give, so that deep models' tensors die out or grow
    beyond all bounds; those without a norm keep their tensors' size by kernels as He et al. draw them.

    Args:
        model: a Keras 3 model, fresh from its constructor.
        images: float32 (n, height, width, channels), preprocessed; 2 at least.
    """
    random = np.random.default_rng(seed)
    norms = (
        keras.layers.BatchNormalization,
        keras.layers.GroupNormalization,
        keras.layers.LayerNormalization,
    )
    batch_norms = []
    for layer in model.layers:
        if isinstance(layer, norms):
            if layer.gamma is not None:
                layer.gamma.assign(random.uniform(0.5, 1.5, layer.gamma.shape))
            if layer.beta is not None:
                layer.beta.assign(random.normal(0, 0.1, layer.beta.shape))
            if isinstance(layer, keras.layers.BatchNormalization):
                batch_norms.append((layer, layer.momentum))
                layer.momentum = 0.0  # one batch's statistics are the moving ones
        elif type(layer).__name__ == "LayerScale":
            scale = layer.weights[0]
            scale.assign(random.uniform(0.5, 1.0, scale.shape))
        elif isinstance(layer, keras.layers.Conv2D) and layer.use_bias:
            fan_in = int(np.prod(layer.kernel.shape[:-1]))
            layer.kernel.assign(random.normal(0, np.sqrt(2 / fan_in), layer.kernel.shape))
            layer.bias.assign(random.normal(0, 0.1, layer.bias.shape))
    model(images, training=True)
    for layer, momentum in batch_norms:
        layer.momentum = momentum

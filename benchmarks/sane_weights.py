"""Random weights under which an untrained model's tensors have the ranges of a trained one's."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

CALM = 0.1


def give_sane_weights(model: keras.Model, images: Any, seed: int = 0, calm: bool = False) -> None:
    """Gives norms random factors and offsets, LayerScales 0.5 to 1, BatchNorms the statistics of `images`, in place.

    A fresh model's BatchNorms do not know what their convolutions give, so that deep models' tensors die out or grow
    beyond all bounds; those without a norm keep their tensors' size by kernels as He et al. draw them.

    Args:
        model: a Keras 3 model, fresh from its constructor.
        images: float32 (n, height, width, channels), preprocessed; 2 at least.
        calm: the last norm of a residual branch gets small factors, as training leaves them. Fifty branches as large
            as what they are added to turn the last bit of the input into a difference that no trained model shows.
    """
    random = np.random.default_rng(seed)
    norms = (
        keras.layers.BatchNormalization,
        keras.layers.GroupNormalization,
        keras.layers.LayerNormalization,
    )
    ends = _ends_of_branches(model) if calm else set()
    batch_norms = []
    for layer in model.layers:
        if isinstance(layer, norms):
            if layer.gamma is not None:
                least = CALM if layer.name in ends else 1.0
                layer.gamma.assign(least * random.uniform(0.5, 1.5, layer.gamma.shape))
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


def _ends_of_branches(model: keras.Model) -> set[str]:
    """The BatchNorms that are added to something which is none."""
    ends = set()
    for layer in model.layers:
        if isinstance(layer, keras.layers.Add):
            sources = [_behind_dropout(tensor._keras_history.operation) for tensor in layer.input]
            norms = [one for one in sources if isinstance(one, keras.layers.BatchNormalization)]
            if len(norms) == 1:
                ends.add(norms[0].name)
    return ends


def _behind_dropout(layer: Any) -> Any:
    while isinstance(layer, keras.layers.Dropout):
        layer = layer.input._keras_history.operation
    return layer

"""keras.layers.Normalization: a mean and a variance a channel, known before training."""

from __future__ import annotations

import keras
import numpy as np

from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require


@register_rule(keras.layers.Normalization)
def lower_normalization(call: Call) -> str:
    layer, channels = call.layer, call.shape[-1]
    require(call, layer.mean is not None, "a mean and a variance (call `adapt` first)", "none")
    mean, variance = (
        np.asarray(keras.ops.convert_to_numpy(one), "float64").reshape(-1)
        for one in (layer.mean, layer.variance)
    )
    require(call, mean.size in (1, channels), "one mean, or one a channel", mean.shape)
    deviation = np.maximum(np.sqrt(variance), keras.config.epsilon())
    scale, offset = (-deviation, mean) if layer.invert else (1 / deviation, -mean / deviation)
    if layer.invert:
        scale = np.maximum(np.sqrt(variance), keras.config.epsilon())
    node = call.node("affine")
    node.weights["scale"] = call.weight("scale", np.broadcast_to(scale, (channels,)).copy(), trainable=False)
    offsets = np.broadcast_to(offset, (channels,)).copy()
    node.weights["offset"] = call.weight("offset", offsets, trainable=False)
    return call.graph.add(node)

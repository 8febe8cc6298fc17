"""keras.layers.BatchNormalization: at inference a factor and an offset a channel."""

from __future__ import annotations

import keras
import numpy as np

from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require


@register_rule(keras.layers.BatchNormalization)
def lower_batch_normalization(call: Call) -> str:
    layer = call.layer
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    require(call, axis in (-1, len(call.shape)), "normalization of the last axis", layer.axis)
    mean = np.asarray(keras.ops.convert_to_numpy(layer.moving_mean), "float64")
    variance = np.asarray(keras.ops.convert_to_numpy(layer.moving_variance), "float64")
    scale = 1 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * np.asarray(keras.ops.convert_to_numpy(layer.gamma), "float64")
    offset = -mean * scale
    if layer.center:
        offset = offset + np.asarray(keras.ops.convert_to_numpy(layer.beta), "float64")
    node = call.node("affine")
    node.weights["scale"] = call.weight("scale", scale)
    node.weights["offset"] = call.weight("offset", offset)
    return call.graph.add(node)

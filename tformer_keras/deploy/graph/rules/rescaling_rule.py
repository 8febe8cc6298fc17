"""keras.layers.Rescaling: one factor and one offset."""

from __future__ import annotations

import keras
import numpy as np

from tformer_keras.deploy.graph.rules.registry import Call, register_rule


@register_rule(keras.layers.Rescaling)
def lower_rescaling(call: Call) -> str:
    channels = call.shape[-1]
    node = call.node("affine")
    for role, value in (("scale", call.layer.scale), ("offset", call.layer.offset)):
        array = np.broadcast_to(np.asarray(value, "float64"), (channels,)).copy()
        node.weights[role] = call.weight(role, array, trainable=False)
    return call.graph.add(node)

"""keras.layers.Cropping2D."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require_channels_last


@register_rule(keras.layers.Cropping2D)
def lower_cropping2d(call: Call) -> str:
    require_channels_last(call)
    (top, _), (left, _) = call.layer.cropping
    return call.graph.add(call.node("crop", tensor=False, starts=(top, left, 0)))

"""keras.layers.ZeroPadding2D."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require_channels_last


@register_rule(keras.layers.ZeroPadding2D)
def lower_zero_padding(call: Call) -> str:
    require_channels_last(call)
    return call.graph.add(call.node("pad", tensor=False, padding=tuple(map(tuple, call.layer.padding))))

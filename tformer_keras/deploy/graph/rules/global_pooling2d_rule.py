"""keras.layers.GlobalAveragePooling2D and GlobalMaxPooling2D."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require_channels_last


@register_rule(keras.layers.GlobalAveragePooling2D)
def lower_global_average_pooling(call: Call) -> str:
    require_channels_last(call)
    return call.graph.add(call.node("global_average", keepdims=bool(call.layer.keepdims)))


@register_rule(keras.layers.GlobalMaxPooling2D)
def lower_global_max_pooling(call: Call) -> str:
    require_channels_last(call)
    return call.graph.add(call.node("global_max", tensor=False, keepdims=bool(call.layer.keepdims)))

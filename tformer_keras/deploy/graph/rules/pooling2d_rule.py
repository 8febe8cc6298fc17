"""keras.layers.AveragePooling2D and MaxPooling2D."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require_channels_last


def _lower(call: Call, operation: str) -> str:
    layer = call.layer
    require_channels_last(call)
    # int8 pools put out the range of their input: no tensor of their own.
    return call.graph.add(
        call.node(
            operation,
            tensor=False,
            size=tuple(layer.pool_size),
            strides=tuple(layer.strides),
            padding=layer.padding,
        )
    )


@register_rule(keras.layers.AveragePooling2D)
def lower_average_pooling(call: Call) -> str:
    return _lower(call, "average_pool")


@register_rule(keras.layers.MaxPooling2D)
def lower_max_pooling(call: Call) -> str:
    return _lower(call, "max_pool")

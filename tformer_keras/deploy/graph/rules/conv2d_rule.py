"""keras.layers.Conv2D."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.activation_rule import add_activation
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require, require_channels_last


@register_rule(keras.layers.Conv2D)
def lower_conv2d(call: Call) -> str:
    layer = call.layer
    require_channels_last(call)
    require(call, layer.padding in ("same", "valid"), "padding 'same' or 'valid'", layer.padding)
    node = call.node(
        "convolution",
        strides=tuple(layer.strides),
        padding=layer.padding,
        dilation=tuple(layer.dilation_rate),
        groups=layer.groups,
    )
    node.weights["kernel"] = call.weight("kernel", layer.kernel)
    if layer.use_bias:
        node.weights["bias"] = call.weight("bias", layer.bias)
    return add_activation(call, call.graph.add(node), layer.activation)

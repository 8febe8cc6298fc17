"""keras.layers.Conv2DTranspose."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.activation_rule import add_activation
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require, require_channels_last


@register_rule(keras.layers.Conv2DTranspose)
def lower_conv2d_transpose(call: Call) -> str:
    layer = call.layer
    require_channels_last(call)
    require(call, tuple(layer.dilation_rate) == (1, 1), "no dilation", layer.dilation_rate)
    node = call.node(
        "transposed_convolution",
        strides=tuple(layer.strides),
        padding=layer.padding,
        output_padding=layer.output_padding,
    )
    node.weights["kernel"] = call.weight("kernel", layer.kernel)
    if layer.use_bias:
        node.weights["bias"] = call.weight("bias", layer.bias)
    return add_activation(call, call.graph.add(node), layer.activation)

"""keras.layers.SeparableConv2D: a depthwise convolution and a 1×1 convolution."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.nodes import Node
from tformer_keras.deploy.graph.rules.activation_rule import add_activation
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require, require_channels_last


@register_rule(keras.layers.SeparableConv2D)
def lower_separable_conv2d(call: Call) -> str:
    layer, graph = call.layer, call.graph
    require_channels_last(call)
    require(call, layer.padding in ("same", "valid"), "padding 'same' or 'valid'", layer.padding)
    name = graph.fresh(f"{call.name}.depthwise")
    channels = call.input.channels * layer.depth_multiplier
    attributes = {
        "strides": tuple(layer.strides),
        "padding": layer.padding,
        "dilation": tuple(layer.dilation_rate),
    }
    depthwise = Node("depthwise", name, call.inputs, (*call.shape[:2], channels), attributes, tensor=name)
    depthwise.weights["kernel"] = call.weight("depthwise_kernel", layer.depthwise_kernel)
    graph.add(depthwise)
    plain = {"strides": (1, 1), "padding": "valid", "dilation": (1, 1), "groups": 1}
    node = Node("convolution", call.name, [name], call.shape, plain, tensor=call.name)
    node.weights["kernel"] = call.weight("pointwise_kernel", layer.pointwise_kernel)
    if layer.use_bias:
        node.weights["bias"] = call.weight("bias", layer.bias)
    return add_activation(call, graph.add(node), layer.activation)

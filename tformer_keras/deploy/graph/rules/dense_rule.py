"""keras.layers.Dense: a matrix product of vectors, a 1×1 convolution of maps."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.rules.activation_rule import add_activation
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require


@register_rule(keras.layers.Dense)
def lower_dense(call: Call) -> str:
    layer = call.layer
    rank = len(call.input.shape)
    require(call, rank in (1, 3), "an input of shape (batch, features) or (batch, h, w, c)", call.input.shape)
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    if rank == 1:
        node = call.node("dense")
    else:
        node = call.node("convolution", strides=(1, 1), padding="valid", dilation=(1, 1), groups=1)
        kernel = kernel[None, None]
    node.weights["kernel"] = call.weight("kernel", kernel)
    if layer.use_bias:
        node.weights["bias"] = call.weight("bias", layer.bias)
    return add_activation(call, call.graph.add(node), layer.activation)

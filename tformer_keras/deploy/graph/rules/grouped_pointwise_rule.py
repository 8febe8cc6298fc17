"""tformer_keras.layers.GroupedPointwise: a 1×1 convolution with groups."""

from __future__ import annotations

import keras
import numpy as np

from tformer_keras.deploy.graph.rules.registry import Call, register_rule
from tformer_keras.layers import GroupedPointwise


@register_rule(GroupedPointwise)
def lower_grouped_pointwise(call: Call) -> str:
    layer = call.layer
    node = call.node("convolution", strides=(1, 1), padding="valid", dilation=(1, 1), groups=layer.groups)
    # (groups, in, out) to a convolution's (1, 1, in, groups * out), the groups' outputs one after the other.
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    kernel = np.moveaxis(kernel, 0, 1).reshape(1, 1, kernel.shape[1], -1)
    node.weights["kernel"] = call.weight("kernel", kernel)
    if layer.use_bias:
        node.weights["bias"] = call.weight("bias", layer.bias)
    return call.graph.add(node)

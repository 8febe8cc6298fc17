"""tformer_keras.layers.LayerScale: a factor a channel."""

from __future__ import annotations

from tformer_keras.deploy.graph.rules.registry import Call, register_rule
from tformer_keras.layers import LayerScale


@register_rule(LayerScale)
def lower_layer_scale(call: Call) -> str:
    node = call.node("affine")
    node.weights["scale"] = call.weight("scale", call.layer.scale)
    return call.graph.add(node)

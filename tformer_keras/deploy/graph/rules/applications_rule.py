"""Layers that keras.applications brings for itself and gives no public name."""

from __future__ import annotations

import numpy as np

from tformer_keras.deploy.graph.nodes import Node, Weight
from tformer_keras.deploy.graph.rules.registry import Call, register_rule

SOURCE = "keras.src.applications"


@register_rule(f"{SOURCE}.convnext.LayerScale")
def lower_convnext_layer_scale(call: Call) -> str:
    node = call.node("affine")
    node.weights["scale"] = call.weight("scale", call.layer.gamma)
    return call.graph.add(node)


@register_rule(f"{SOURCE}.convnext.StochasticDepth")
def lower_convnext_stochastic_depth(call: Call) -> str:
    return call.inputs[0]


@register_rule(f"{SOURCE}.inception_resnet_v2.CustomScaleLayer")
def lower_inception_scale(call: Call) -> str:
    """inputs[0] + scale · inputs[1]; as a factor a channel it folds into the convolution before it."""
    first, second = call.inputs
    scaled = call.graph.fresh(f"{call.name}.scaled")
    node = Node("affine", scaled, [second], call.graph[second].shape, tensor=scaled)
    factors = np.full(node.channels, float(call.layer.scale))
    node.weights["scale"] = Weight.of(f"{scaled}/scale", factors, trainable=False)
    call.graph.add(node)
    return call.graph.add(Node("add", call.name, [first, scaled], call.shape, tensor=call.name))

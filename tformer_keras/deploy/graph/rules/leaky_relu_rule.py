"""keras.layers.LeakyReLU and PReLU: a slope for negative numbers, one for all or a learned one a channel or place."""

from __future__ import annotations

import keras
import numpy as np

from tformer_keras.deploy.graph.nodes import Node
from tformer_keras.deploy.graph.rules.constants import add_with_constant
from tformer_keras.deploy.graph.rules.registry import Call, register_rule


@register_rule(keras.layers.LeakyReLU)
def lower_leaky_relu(call: Call) -> str:
    return call.graph.add(call.node("leaky_relu", slope=float(call.layer.negative_slope)))


@register_rule(keras.layers.PReLU)
def lower_prelu(call: Call) -> str:
    """relu(x) - slope · relu(-x)."""
    graph = call.graph
    slope = np.asarray(keras.ops.convert_to_numpy(call.layer.alpha), "float64")
    above, below = add_halves(call)
    sloped = graph.fresh(f"{call.name}.sloped")
    add_with_constant(call, "multiply", below, -slope, False, sloped)
    return graph.add(Node("add", call.name, [above, sloped], call.shape, tensor=call.name))


def add_halves(call: Call) -> tuple[str, str]:
    """relu(x) and relu(-x) of a call's input."""
    graph, (value,) = call.graph, call.inputs
    above, turned, below = (graph.fresh(f"{call.name}.{part}") for part in ("above", "turned", "below"))
    graph.add(Node("activation", above, [value], call.shape, {"kind": "relu"}, tensor=above))
    graph.add(Node("scale_by", turned, [value], call.shape, {"value": -1.0}, tensor=turned))
    graph.add(Node("activation", below, [turned], call.shape, {"kind": "relu"}, tensor=below))
    return above, below

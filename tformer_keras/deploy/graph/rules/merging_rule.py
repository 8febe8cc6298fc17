"""keras.layers.Add, Subtract, Multiply and Concatenate."""

from __future__ import annotations

import keras

from tformer_keras.deploy.graph.nodes import Node
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require


def _pairwise(call: Call, operation: str) -> str:
    """LiteRT adds and multiplies two tensors at a time."""
    value = call.inputs[0]
    for number, other in enumerate(call.inputs[1:], 1):
        name = call.name if number == len(call.inputs) - 1 else f"{call.name}.{number}"
        value = call.graph.add(Node(operation, name, [value, other], call.shape, tensor=name))
    return value


@register_rule(keras.layers.Add)
def lower_add(call: Call) -> str:
    return _pairwise(call, "add")


@register_rule(keras.layers.Multiply)
def lower_multiply(call: Call) -> str:
    return _pairwise(call, "multiply")


@register_rule(keras.layers.Subtract)
def lower_subtract(call: Call) -> str:
    return call.graph.add(call.node("subtract"))


@register_rule(keras.layers.Concatenate)
def lower_concatenate(call: Call) -> str:
    rank = len(call.shape) + 1
    axis = call.layer.axis % rank
    require(call, axis > 0, "concatenation of any axis but the batch", call.layer.axis)
    return call.graph.add(call.node("concatenate", tensor=False, axis=axis))

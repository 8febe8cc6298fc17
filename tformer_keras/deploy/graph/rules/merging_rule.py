"""keras.layers.Add, Subtract, Multiply, Maximum, Minimum, Average and Concatenate, of tensors and constants."""

from __future__ import annotations

import keras
import numpy as np

from tformer_keras.deploy.graph.nodes import Node
from tformer_keras.deploy.graph.rules.constants import add_with_constant
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require


def pairwise(call: Call, function: str, operands: list[str | np.ndarray], name: str) -> str:
    """LiteRT adds and multiplies two tensors at a time; constants come last where the order does not matter."""
    if function in ("add", "multiply", "maximum", "minimum"):
        operands = sorted(operands, key=lambda one: isinstance(one, np.ndarray))  # these commute
    require(
        call, any(isinstance(one, str) for one in operands), "a tensor among its inputs", "constants alone"
    )
    if function == "divide":
        require(
            call, isinstance(operands[1], np.ndarray), "a divisor that is a constant", "a tensor of the model"
        )
    value, last = operands[0], len(operands) - 1
    for number, other in enumerate(operands[1:], 1):
        key = name if number == last else call.graph.fresh(f"{name}.{number}")
        if isinstance(value, np.ndarray) or isinstance(other, np.ndarray):
            first = isinstance(value, np.ndarray)
            tensor, constant = (other, value) if first else (value, other)
            assert isinstance(tensor, str) and isinstance(constant, np.ndarray)
            value = add_with_constant(call, function, tensor, constant, first, key)
            continue
        shape = np.broadcast_shapes(call.graph[value].shape, call.graph[other].shape)
        tensor_name = None if function in ("maximum", "minimum") else key
        value = call.graph.add(Node(function, key, [value, other], tuple(shape), tensor=tensor_name))
    assert isinstance(value, str)
    return value


def aligned(call: Call) -> list[str | np.ndarray]:
    """The operands of a merging layer: one of lower rank is spread behind the batch axis, as Keras does.

    (batch, 8) beside (batch, h, w, 8) counts as (batch, 1, 1, 8).
    """
    graph = call.graph
    ranks = [len(graph[one].shape) + 1 if isinstance(one, str) else one.ndim for one in call.operands]
    most = max(ranks)
    spread: list[str | np.ndarray] = []
    for one, rank in zip(call.operands, ranks, strict=True):
        missing = most - rank
        if not missing:
            spread.append(one)
        elif isinstance(one, str):
            shape = (1,) * missing + graph[one].shape
            spread.append(graph.add(Node("reshape", graph.fresh(f"{one}.spread"), [one], shape)))
        else:
            spread.append(one.reshape((*one.shape[:1], *(1,) * missing, *one.shape[1:])))
    return spread


@register_rule(keras.layers.Add, constants=True)
def lower_add(call: Call) -> str:
    return pairwise(call, "add", aligned(call), call.name)


@register_rule(keras.layers.Multiply, constants=True)
def lower_multiply(call: Call) -> str:
    return pairwise(call, "multiply", aligned(call), call.name)


@register_rule(keras.layers.Subtract, constants=True)
def lower_subtract(call: Call) -> str:
    return pairwise(call, "subtract", aligned(call), call.name)


@register_rule(keras.layers.Maximum, constants=True)
def lower_maximum(call: Call) -> str:
    return pairwise(call, "maximum", aligned(call), call.name)


@register_rule(keras.layers.Minimum, constants=True)
def lower_minimum(call: Call) -> str:
    return pairwise(call, "minimum", aligned(call), call.name)


@register_rule(keras.layers.Average, constants=True)
def lower_average(call: Call) -> str:
    operands = aligned(call)
    total = pairwise(call, "add", operands, call.graph.fresh(f"{call.name}.sum"))
    share = np.float64(1 / len(operands))
    return add_with_constant(call, "multiply", total, np.asarray(share), False, call.name)


@register_rule(keras.layers.Concatenate, constants=True)
def lower_concatenate(call: Call) -> str:
    rank = len(call.shape) + 1
    axis = call.layer.axis % rank
    require(call, axis > 0, "concatenation of any axis but the batch", call.layer.axis)
    return concatenated(call, list(call.operands), axis)


def concatenated(call: Call, operands: list[str | np.ndarray], axis: int) -> str:
    """A concatenation along an axis, counted with the batch's.

    A constant has no batch to stand in: the tensors are padded with zeros where it belongs, and it is added.
    """
    graph = call.graph
    tensors = [one for one in operands if isinstance(one, str)]
    constants = [(place, one) for place, one in enumerate(operands) if isinstance(one, np.ndarray)]
    if not constants:
        node = Node("concatenate", call.name, tensors, call.shape, {"axis": axis})
        return graph.add(node)
    require(call, len(call.shape) == 3, "a constant beside maps (batch, h, w, c)", call.shape)
    whole = np.zeros(call.shape)
    start, runs = 0, []
    for one in operands:
        shape = graph[one].shape if isinstance(one, str) else one.shape[1:]
        if isinstance(one, str):
            runs.append((one, start))
        else:
            require(call, one.shape[0] == 1, "a constant for every image of a batch alike", one.shape)
            whole[
                tuple(slice(start, start + shape[k]) if k == axis - 1 else slice(None) for k in range(3))
            ] = one[0]
        start += shape[axis - 1]
    total: str | None = None
    for number, (value, at) in enumerate(runs):
        size = graph[value].shape[axis - 1]
        padding = [(0, 0)] * 3
        padding[axis - 1] = (at, call.shape[axis - 1] - at - size)
        padded = graph.fresh(f"{call.name}.padded{number}")
        graph.add(Node("pad", padded, [value], call.shape, {"padding": tuple(padding)}))
        if total is None:
            total = padded
        else:
            key = graph.fresh(f"{call.name}.sum{number}")
            total = graph.add(Node("add", key, [total, padded], call.shape, tensor=key))
    assert total is not None
    return add_with_constant(call, "add", total, whole, False, call.name)

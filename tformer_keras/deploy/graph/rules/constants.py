"""Operations of a tensor and a constant, in the form that the device computes best."""

from __future__ import annotations

from typing import Any

import numpy as np

from tformer_keras.deploy.graph.nodes import Node, Weight
from tformer_keras.deploy.graph.rules.registry import Call, require

ARITHMETIC = ("add", "subtract", "multiply", "divide")


def add_with_constant(
    call: Call, function: str, value: str, constant: np.ndarray, first: bool, name: str
) -> str:
    """Adds `value function constant`, or with `first` `constant function value`.

    A constant of one number, or one a channel, becomes a factor or an offset, which folds into what stands beside it;
    any other a constant of the graph.
    """
    shape = call.graph[value].shape
    require(call, np.isfinite(constant).all(), "a finite constant", "NaN or infinity")
    if constant.ndim > len(shape):
        require(
            call,
            constant.ndim == len(shape) + 1 and constant.shape[0] == 1,
            "a constant for every image of a batch alike",
            constant.shape,
        )
        constant = constant[0]
    if function in ("maximum", "minimum"):
        return _extreme(call, function, value, constant, name)
    if function == "divide":
        require(
            call,
            not first and (constant != 0).all(),
            "a divisor that is a constant other than 0",
            constant.shape,
        )
        function, constant = "multiply", 1 / constant
    channel = np.broadcast_shapes(constant.shape, (1,) * len(shape))[:-1]
    if shape and all(side == 1 for side in channel) and constant.size in (1, shape[-1]):
        return _affine(call, function, value, constant.reshape(-1), first, name)
    out = np.broadcast_shapes(shape, constant.shape)
    attributes: dict[str, Any] = {"function": function, "value": constant.astype("float32"), "first": first}
    return call.graph.add(Node("with_constant", name, [value], tuple(out), attributes, tensor=name))


def _affine(call: Call, function: str, value: str, numbers: np.ndarray, first: bool, name: str) -> str:
    shape = call.graph[value].shape
    numbers = np.broadcast_to(numbers, (shape[-1],)).astype("float64")
    scale, offset = np.ones(shape[-1]), np.zeros(shape[-1])
    if function == "multiply":
        scale = numbers
    elif function == "add":
        offset = numbers
    else:
        scale, offset = (-scale, numbers) if first else (scale, -numbers)
    node = Node("affine", name, [value], shape, tensor=name)
    node.weights["scale"] = Weight.of(f"{name}/scale", scale, trainable=False)
    node.weights["offset"] = Weight.of(f"{name}/offset", offset, trainable=False)
    return call.graph.add(node)


def _extreme(call: Call, function: str, value: str, constant: np.ndarray, name: str) -> str:
    """max(x, c) = c + relu(x - c), and min(x, c) = c - relu(c - x): int8's MAXIMUM wants one scale for all."""
    graph = call.graph
    part = graph.fresh(f"{name}.part")
    difference = add_with_constant(call, "subtract", value, constant, function == "minimum", part)
    kept = f"{part}.kept"
    shape = graph[difference].shape
    graph.add(Node("activation", kept, [difference], shape, {"kind": "relu"}, tensor=kept))
    how = ("add", False) if function == "maximum" else ("subtract", True)
    return add_with_constant(call, how[0], kept, constant, how[1], name)

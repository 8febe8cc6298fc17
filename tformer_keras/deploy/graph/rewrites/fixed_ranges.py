"""Lets tensors of a fixed int8 range (sigmoid, softmax, tanh) meet others in operations that keep their input's range.

A concatenation has one range. TFLite fixes that of a sigmoid at 0 to 1, and would silently give it to all other parts:
all of their negative numbers would be lost. A product with ones gives the numbers a range of their own.
"""

from __future__ import annotations

import numpy as np

from tformer_keras.deploy.graph.nodes import Graph, Node, Weight

FIXED = ("sigmoid", "softmax", "tanh")
SHARING = ("concatenate", "maximum", "minimum")


def free_fixed_ranges(graph: Graph) -> None:
    """Puts a tensor of a free range behind each fixed one that shares an operation with tensors of other ranges."""
    for node in list(graph.nodes.values()):
        if node.operation not in SHARING:
            continue
        kinds = [_fixed_kind(graph, value) for value in node.inputs]
        if len(set(kinds)) == 1:
            continue
        for place, (value, kind) in enumerate(zip(list(node.inputs), kinds, strict=True)):
            if kind is not None:
                node.inputs[place] = _requantized(graph, value)
    graph.tidy()


def _requantized(graph: Graph, value: str) -> str:
    """The same numbers in a tensor of its own range: the converter would drop anything less than a convolution."""
    name, shape = graph.fresh(f"{value}.free"), graph[value].shape
    if len(shape) != 3:
        attributes = {"kind": "identity"}
        return graph.add(Node("activation", name, [value], shape, attributes, tensor=name))
    plain = {"strides": (1, 1), "padding": "valid", "dilation": (1, 1)}
    node = Node("depthwise", name, [value], shape, plain, tensor=name)
    ones = np.ones((1, 1, shape[-1], 1))
    node.weights["kernel"] = Weight.of(f"{name}/kernel", ones, trainable=False)
    return graph.add(node)


def _fixed_kind(graph: Graph, value: str) -> str | None:
    """The activation whose fixed range a value has, also through operations that keep the range."""
    node = graph[value]
    while node.operation in (
        "slice",
        "reshape",
        "max_pool",
        "pad",
        "crop",
        "transpose",
        "resize",
        "global_max",
    ):
        node = graph[node.inputs[0]]
    kind = node.attributes.get("kind") if node.operation == "activation" else None
    return kind if kind in FIXED else None

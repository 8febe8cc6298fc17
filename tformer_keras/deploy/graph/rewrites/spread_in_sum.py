"""A 1×1 convolution of a concatenation with one pixel spread over the map (image pooling: PSPNet, DeepLab) is a sum of
two: of that pixel, which the sum spreads, and of the rest.

The kernel is cut by input channels. What is added are two logical tensors of their own.
"""

from __future__ import annotations

import numpy as np

from tformer_keras.deploy.graph.nodes import Graph, Node
from tformer_keras.deploy.graph.rewrites.plain_forms import is_pointwise


def spread_in_sum(graph: Graph) -> None:
    """Each such convolution that alone reads its concatenation."""
    for name in list(graph.nodes):
        consumers = graph.consumers()
        node = graph[name]
        if not is_pointwise(node):
            continue
        joined = graph[node.inputs[0]]
        alone = joined.operation == "concatenate" and graph.single_consumer(joined.name, consumers) is node
        if not alone or joined.attributes["axis"] != 3:
            continue
        ends = np.cumsum([graph[value].channels for value in joined.inputs])
        parts: dict[bool, list[tuple[str, np.ndarray]]] = {True: [], False: []}
        for value, end in zip(joined.inputs, ends, strict=True):
            part = graph[value]
            source = graph[part.inputs[0]] if part.operation == "resize" else part
            spread = source is not part and source.shape[:2] == (1, 1) and part.shape[:2] != (1, 1)
            parts[spread].append((source.name if spread else value, np.arange(end - part.channels, end)))
        if not all(parts.values()):
            continue
        graph.remove([name])
        pixel = _convolution(graph, node, f"{name}.pixel", parts[True], False)
        rest = _convolution(graph, node, f"{name}.rest", parts[False], True)
        attributes = {"activation": node.attributes.get("activation")}
        graph.add(Node("add", name, [rest, pixel], node.shape, attributes, tensor=node.tensor))
    graph.tidy()


def _convolution(
    graph: Graph, whole: Node, name: str, parts: list[tuple[str, np.ndarray]], with_bias: bool
) -> str:
    """That part of a convolution which reads `parts`: values and their channels in the concatenation."""
    name = graph.fresh(name)
    values = [value for value, _ in parts]
    channels = np.concatenate([own for _, own in parts])
    size = graph[values[0]].shape[:2]
    if len(values) > 1:
        shape = (*size, len(channels))
        values = [graph.add(Node("concatenate", graph.fresh(f"{name}.joined"), values, shape, {"axis": 3}))]
    weights = {"kernel": whole.weights["kernel"].take(channels, 2)}
    if with_bias and "bias" in whole.weights:
        weights["bias"] = whole.weights["bias"]
    attributes = {**whole.attributes, "activation": None}
    shape = (*size, whole.channels)
    return graph.add(Node("convolution", name, values, shape, attributes, weights, tensor=name))

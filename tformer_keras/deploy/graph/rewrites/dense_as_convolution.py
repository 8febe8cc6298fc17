"""A dense layer as a 1×1 convolution of a map of one pixel, for TFLite Micro.

Its FULLY_CONNECTED rounds twice where LiteRT's reference kernel rounds once: one output in some hundreds is a unit off
[measured]. Their convolutions agree to the bit, and every output can be proven on the device.
"""

from __future__ import annotations

import dataclasses

from tformer_keras.deploy.graph.nodes import Graph, Node


def dense_as_convolution(graph: Graph) -> None:
    for name in [name for name, node in graph.nodes.items() if node.operation == "dense"]:
        node = graph[name]
        pixel = _pixel(graph, node)
        graph.remove([name])
        weights = dict(node.weights)
        kernel = weights["kernel"]
        shape = (1, 1, *kernel.values.shape)
        weights["kernel"] = dataclasses.replace(
            kernel, values=kernel.values.reshape(shape), index=kernel.index.reshape(shape)
        )
        attributes = {
            "strides": (1, 1),
            "padding": "valid",
            "dilation": (1, 1),
            "groups": 1,
            **node.attributes,
        }
        key, units = f"{name}.pixel", shape[-1]
        graph.add(Node("convolution", key, [pixel], (1, 1, units), attributes, weights, node.tensor))
        graph.add(Node("reshape", name, [key], (units,)))
    graph.tidy()


def _pixel(graph: Graph, node: Node) -> str:
    """What a dense node reads as a map of one pixel: an average before it keeps its axes, all else is reshaped."""
    (value,) = node.inputs
    before = graph[value]
    shape = (1, 1, before.channels)
    alone = graph.single_consumer(value, graph.consumers()) is node
    if alone and before.operation == "global_average":
        before.attributes["keepdims"] = True
        before.shape = shape
        return value
    return graph.add(Node("reshape", f"{node.name}.in", [value], shape))

"""Folds a channel shuffle between grouped 1×1 convolutions into their weights (docs/device_graph.md).

For XNNPACK, source group s and destination group d: one dense convolution for each pair (s, d), the outputs for a
destination concatenated, one dense convolution a destination. No grouped convolution, no shuffle.

For microcontrollers one grouped convolution a destination, whose outputs stand in the order in which the dense one
behind it reads them: the same products in three operations less a destination, and only a part of the wide tensor
lives at a time. [Measured: docs/device_graph.md, "Microcontrollers".]
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tformer_keras.deploy.graph.nodes import Graph, Node
from tformer_keras.deploy.graph.rewrites.plain_forms import cut, is_pointwise, join


def fold_shuffle(graph: Graph) -> None:
    """Rewrites every grouped 1×1 convolution, activations, shuffle, grouped 1×1 convolution of equal groups."""
    for name in [name for name, node in graph.nodes.items() if node.operation == "shuffle"]:
        consumers = graph.consumers()
        shuffle = graph[name]
        project = graph.single_consumer(name, consumers)
        between: list[Node] = []
        expand = graph[shuffle.inputs[0]]
        while expand.operation == "activation" and expand.attributes["kind"] != "softmax":
            between.insert(0, expand)
            expand = graph[expand.inputs[0]]
        groups = shuffle.attributes["groups"]
        chain = [expand, *between, shuffle]
        linear = all(graph.single_consumer(node.name, consumers) is not None for node in chain)
        if project and linear and is_pointwise(expand, groups) and is_pointwise(project, groups):
            _rewrite(graph, expand, between, shuffle, project)


def _convolution(node: Node, name: str, value: str, outputs: np.ndarray, groups: int) -> Node:
    """The outputs at positions `outputs` of a grouped convolution: of one group dense, of all as many from each."""
    weights = {"kernel": node.weights["kernel"].take(outputs, 3)}
    if "bias" in node.weights:
        weights["bias"] = node.weights["bias"].take(outputs, 0)
    attributes = {**node.attributes, "groups": groups}
    shape = (*node.shape[:-1], len(outputs))
    return Node("convolution", name, [value], shape, attributes, weights, node.tensor)


def _rewrite(graph: Graph, expand: Node, between: list[Node], shuffle: Node, project: Node) -> None:
    groups = shuffle.attributes["groups"]
    size = shuffle.channels // groups
    graph.remove(node.name for node in [expand, *between, shuffle, project])
    source = expand.inputs[0]
    inputs = graph[source].channels // groups
    grouped = graph.target == "micro" and size % groups == 0
    parts = [
        cut(graph, source, g * inputs, (g + 1) * inputs, f"{expand.name}.in{g}")
        for g in range(0 if grouped else groups)
    ]
    # Which channel of the first convolution stands at each place behind the shuffle.
    arrives = np.arange(shuffle.channels).reshape(groups, size).T.reshape(-1)
    results = []
    for destination in range(groups):
        channels = arrives[destination * size : (destination + 1) * size]
        # Sorted by source group: the order within a destination is ours, the second kernel's rows follow it.
        order = np.argsort(channels // size, kind="stable")
        name = f"{expand.name}.to{destination}"
        if grouped:
            value = graph.add(_convolution(expand, name, source, channels[order], groups))
        else:
            pieces = []
            for group in range(groups):
                chosen = channels[order][channels[order] // size == group]
                if len(chosen):
                    piece = f"{expand.name}.{group}to{destination}"
                    pieces.append(graph.add(_convolution(expand, piece, parts[group], chosen, 1)))
            value = join(graph, pieces, name)
        for node in between:
            shape = (*node.shape[:-1], size)
            copy = dataclasses.replace(node, name=f"{node.name}.{destination}", inputs=[value], shape=shape)
            value = graph.add(copy)
        width = project.channels // groups
        outputs = np.arange(destination * width, (destination + 1) * width)
        dense = _convolution(project, f"{project.name}.{destination}", value, outputs, 1)
        dense.weights["kernel"] = dense.weights["kernel"].take(order, 2)
        results.append(graph.add(dense))
    join(graph, results, project.name)
    graph.tidy()

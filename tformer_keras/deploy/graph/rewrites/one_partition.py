"""Keeps the graph in one partition of XNNPACK's delegate (docs/device_graph.md).

Its concatenation takes at most five inputs (TFLite Micro's, ten). Concatenations of concatenations are flattened, then
wide ones nested, the parts of fewest channels innermost, because these are copied twice. (That channels are sliced
rather than split is seen to by the emitter.)
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node

MOST_INPUTS = {"litert": 5, "micro": 10}


def one_partition(graph: Graph) -> None:
    _flatten(graph)
    for name in [name for name, node in graph.nodes.items() if node.operation == "concatenate"]:
        node = graph[name]
        number, most = 0, MOST_INPUTS[graph.target]
        while len(node.inputs) > most:
            width = min(most, len(node.inputs) - most + 1)
            first = _cheapest_run(graph, node, width)
            run = node.inputs[first : first + width]
            axis = node.attributes["axis"]
            shape = list(graph[run[0]].shape)
            shape[axis - 1] = sum(graph[value].shape[axis - 1] for value in run)
            inner = Node("concatenate", f"{name}.inner{number}", run, tuple(shape), dict(node.attributes))
            node.inputs[first : first + width] = [graph.add(inner)]
            number += 1


def _cheapest_run(graph: Graph, node: Node, width: int) -> int:
    axis = node.attributes["axis"]
    sizes = [graph[value].shape[axis - 1] for value in node.inputs]
    return min(range(len(sizes) - width + 1), key=lambda first: sum(sizes[first : first + width]))


def _flatten(graph: Graph) -> None:
    consumers = graph.consumers()
    for name in list(graph.nodes):
        node = graph[name]
        if node.operation != "concatenate":
            continue
        inputs = []
        for value in node.inputs:
            inner = graph[value]
            alone = graph.single_consumer(value, consumers) is node
            same = inner.operation == "concatenate" and inner.attributes == node.attributes
            inputs += inner.inputs if alone and same else [value]
        node.inputs = inputs
    graph.tidy()

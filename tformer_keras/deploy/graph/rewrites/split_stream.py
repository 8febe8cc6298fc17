"""Keeps the residual stream in the parts that its readers want (docs/device_graph.md).

Poolings and grouped convolutions read slices of the stream. Where all of a stream's slices have the same borders, its
tensors (what additions connect) are kept as parts: convolutions that feed it are split by output channel, additions
work part by part, and neither a slice nor a concatenation is left inside a stage.
"""

from __future__ import annotations

import dataclasses

from tformer_keras.deploy.graph.nodes import Graph, Node
from tformer_keras.deploy.graph.rewrites.plain_forms import cut

ELEMENTWISE = ("add", "subtract", "multiply")


def split_stream(graph: Graph) -> None:
    borders = _wanted_borders(graph)
    if not borders:
        return
    parts: dict[str, list[str]] = {}
    slices = [name for name, node in graph.nodes.items() if node.operation == "slice"]
    for name in list(graph.nodes):
        if name in borders:
            _split(graph, graph[name], borders[name], parts)
    for name in slices:
        node = graph[name]
        if node.inputs[0] in parts:
            ends = borders[node.inputs[0]]
            part = parts[node.inputs[0]][ends.index((node.attributes["start"], node.attributes["end"]))]
            graph.replace(name, part)
            graph.remove([name])
    # Readers that want the whole find it under the old name, as a concatenation that tidy drops when there are none.
    graph.tidy()


def _wanted_borders(graph: Graph) -> dict[str, list[tuple[int, int]]]:
    """For each tensor of a stream that is to be split, the (start, end) of its parts."""
    root = {name: name for name in graph.nodes}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for node in graph.nodes.values():
        if node.operation in ELEMENTWISE and all(graph[value].shape == node.shape for value in node.inputs):
            for value in node.inputs:
                root[find(value)] = find(node.name)
    cuts: dict[str, set[tuple[int, int]]] = {}
    for node in graph.nodes.values():
        if node.operation == "slice":
            cuts.setdefault(find(node.inputs[0]), set()).add(
                (node.attributes["start"], node.attributes["end"])
            )
    wanted = {}
    for name, node in graph.nodes.items():
        spans = sorted(cuts.get(find(name), ()))
        # They must lie side by side: a stream whose readers disagree stays whole, with slices.
        tiles = bool(spans) and [0, *(end for _, end in spans)] == [
            *(start for start, _ in spans),
            node.channels,
        ]
        if tiles and len(spans) > 1:
            wanted[name] = spans
    return wanted


def _split(graph: Graph, node: Node, spans: list[tuple[int, int]], parts: dict[str, list[str]]) -> None:
    sizes = [end - start for start, end in spans]
    names = [f"{node.name}.part{number}" for number in range(len(spans))]
    shapes = [(*node.shape[:-1], size) for size in sizes]
    if node.operation == "concatenate" and [graph[value].channels for value in node.inputs] == sizes:
        parts[node.name] = list(node.inputs)
        return
    if node.operation in ELEMENTWISE and all(value in parts for value in node.inputs):
        for number, (name, shape) in enumerate(zip(names, shapes, strict=True)):
            inputs = [parts[value][number] for value in node.inputs]
            graph.add(
                dataclasses.replace(
                    node, name=name, inputs=inputs, shape=shape, attributes=dict(node.attributes)
                )
            )
    elif node.operation == "convolution" and node.attributes["groups"] == 1:
        for (start, end), name, shape in zip(spans, names, shapes, strict=True):
            weights = {
                role: weight.take(slice(start, end), weight.values.ndim - 1)
                for role, weight in node.weights.items()
            }
            inputs, attributes = list(node.inputs), dict(node.attributes)
            graph.add(Node("convolution", name, inputs, shape, attributes, weights, node.tensor))
    else:
        # Nothing to split it in: slices of the whole, which stays under its name.
        parts[node.name] = [cut(graph, node.name, *span, f"{node.name}.part") for span in spans]
        return
    graph.remove([node.name])
    graph.add(Node("concatenate", node.name, names, node.shape, {"axis": len(node.shape)}))
    parts[node.name] = names

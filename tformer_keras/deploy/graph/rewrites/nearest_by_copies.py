"""Nearest-neighbour upsampling by a whole factor as concatenations and reshapes, which XNNPACK takes.

It leaves RESIZE_NEAREST_NEIGHBOR to LiteRT, so that each upsampling would cut the graph (docs/device_graph.md).
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node


def nearest_by_copies(graph: Graph) -> None:
    """Each nearest upsampling by one whole factor as copies along the channels, which are columns and rows."""
    for name in [name for name, node in graph.nodes.items() if node.operation == "resize"]:
        node = graph[name]
        (height, width, channels), (rows, columns, _) = node.shape, graph[node.inputs[0]].shape
        factor = height // rows
        exact = (height, width) == (factor * rows, factor * columns) and factor > 1
        if node.attributes["method"] != "nearest" or not exact:
            continue
        value = node.inputs[0]
        graph.remove([name])
        # Columns: the copies of a pixel's channels lie behind each other, as those of neighbouring pixels do.
        wide = (rows, columns, factor * channels)
        graph.add(Node("concatenate", f"{name}.columns", [value] * factor, wide, {"axis": 3}))
        row = (rows, 1, factor * columns * channels)
        graph.add(Node("reshape", f"{name}.row", [f"{name}.columns"], row))
        tall = (rows, factor, row[2])
        graph.add(Node("concatenate", f"{name}.rows", [f"{name}.row"] * factor, tall, {"axis": 2}))
        graph.add(Node("reshape", name, [f"{name}.rows"], node.shape))
    graph.tidy()

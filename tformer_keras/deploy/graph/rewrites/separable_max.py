"""A max pool of k×k as one of k×1 and one of 1×k, for NPUs, whose time grows with the pixels of a window.

The largest of a window is the largest of its rows' largest: exact with any padding, which is each axis' own.
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node


def separable_max(graph: Graph) -> None:
    for name in [name for name, node in graph.nodes.items() if node.operation == "max_pool"]:
        node = graph[name]
        rows, columns = node.attributes["size"]
        # Of 3×3 pixels, and with a stride, where the first of two pools rows that nobody reads, nothing is gained.
        if min(rows, columns) <= 3 or tuple(node.attributes["strides"]) != (1, 1):
            continue
        graph.remove([name])
        _, width, channels = graph[node.inputs[0]].shape
        attributes = {**node.attributes, "size": (rows, 1)}
        shape = (node.shape[0], width, channels)
        first = graph.add(Node("max_pool", graph.fresh(f"{name}.rows"), node.inputs, shape, attributes))
        node.attributes = {**node.attributes, "size": (1, columns)}
        node.inputs = [first]
        graph.add(node)

"""Nearest upsampling that a sum reads: the sum spreads the rows, so that the larger half of the copies is not made.

Columns are copied as in `nearest_by_copies.py`; a row of the coarse map is then added to each of the rows that it
stands for, which is broadcasting. It moves nothing else, and int8 gives the same bits.
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node


def nearest_in_sum(graph: Graph) -> None:
    """Each nearest upsampling by one whole factor whose only reader adds a map of that size to it."""
    consumers = graph.consumers()
    for name in [name for name, node in graph.nodes.items() if node.operation == "resize"]:
        node = graph[name]
        (height, width, channels), (rows, columns, _) = node.shape, graph[node.inputs[0]].shape
        factor = height // rows
        exact = (height, width) == (factor * rows, factor * columns) and factor > 1
        total = graph.single_consumer(name, consumers)
        if node.attributes["method"] != "nearest" or not exact or total is None or total.operation != "add":
            continue
        (fine,) = (value for value in total.inputs if value != name)
        if graph[fine].shape != node.shape:
            continue
        (coarse,) = node.inputs
        graph.remove([name, total.name])
        wide = (rows, columns, factor * channels)
        graph.add(Node("concatenate", f"{name}.columns", [coarse] * factor, wide, {"axis": 3}))
        graph.add(Node("reshape", name, [f"{name}.columns"], (rows, 1, width * channels)))
        tall = (rows, factor, width * channels)
        graph.add(Node("reshape", f"{name}.beside", [fine], tall))
        inputs = [f"{name}.beside", name]
        key = graph.fresh(f"{total.name}.rows")
        graph.add(Node("add", key, inputs, tall, dict(total.attributes), tensor=total.tensor))
        graph.add(Node("reshape", total.name, [key], total.shape))
    graph.tidy()

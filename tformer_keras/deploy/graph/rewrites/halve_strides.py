"""A convolution of stride 4 or 6 as one of half the stride, of which every second pixel is taken: Arm's NPUs convolve
with strides of up to 3, and leave others to the CPU beside them.

Exact: the same windows, and others between them that a pool of one pixel with stride 2 passes over. Four times the
products, of which an NPU makes hundreds a cycle.
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node

STRIDES = ((4, 4), (6, 6))


def halve_strides(graph: Graph) -> None:
    for node in list(graph.nodes.values()):
        blocked = "column_block" in node.attributes
        if node.operation == "convolution" and tuple(node.attributes["strides"]) in STRIDES and not blocked:
            _halve(graph, node)


def _halve(graph: Graph, node: Node) -> None:
    height, width, channels = graph[node.inputs[0]].shape
    kernel, stride = node.weights["kernel"].values.shape[:2], node.attributes["strides"][0]
    reach = [
        (count - 1) * stride + (taps - 1) * dilation + 1
        for count, taps, dilation in zip(node.shape, kernel, node.attributes["dilation"], strict=False)
    ]
    value = node.inputs[0]
    if node.attributes["padding"] == "same":
        # Of its own, because with half the stride the same padding would begin elsewhere.
        missing = [max(wanted - size, 0) for wanted, size in zip(reach, (height, width), strict=True)]
        if any(missing):
            padding = tuple((one // 2, one - one // 2) for one in missing)
            shape = (height + missing[0], width + missing[1], channels)
            value = graph.add(
                Node("pad", graph.fresh(f"{node.name}.pad"), [value], shape, {"padding": padding})
            )
    half = stride // 2
    rows, columns = (
        (size - (taps - 1) * dilation - 1) // half + 1
        for size, taps, dilation in zip(graph[value].shape, kernel, node.attributes["dilation"], strict=False)
    )
    every = Node(
        "convolution",
        graph.fresh(f"{node.name}.every"),
        [value],
        (rows, columns, node.channels),
        node.attributes | {"strides": (half, half), "padding": "valid"},
        node.weights,
        node.tensor,
    )
    graph.remove([node.name])
    attributes = {"size": (1, 1), "strides": (2, 2), "padding": "valid"}
    graph.add(Node("max_pool", node.name, [graph.add(every)], node.shape, attributes))

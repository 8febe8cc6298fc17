"""Convolutions with stride on images of few channels as convolutions on blocks of columns (space to depth in one axis).

Three channels fill a fraction of a vector register, and each tap of a window costs a pointer and a loop of its own. `s`
neighbouring pixels of a row are `s` times the channels of one, at no cost: they lie side by side in memory. So a
convolution of stride `s` becomes one of stride 1 along the rows, over fewer and deeper taps; the taps of a block that
the window does not reach are zero. Padding is an operation of its own, so that windows begin where blocks do.
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node

FEW_CHANNELS = 4


def widen_stem(graph: Graph) -> None:
    for node in list(graph.nodes.values()):
        if node.operation == "convolution" and _gains(graph, node):
            _widen(graph, node)
    graph.tidy()


def _gains(graph: Graph, node: Node) -> bool:
    attributes = node.attributes
    _, columns, channels, _ = node.weights["kernel"].values.shape
    return (
        channels <= FEW_CHANNELS
        and attributes["groups"] == 1
        and attributes["dilation"] == (1, 1)
        and columns >= attributes["strides"][1] > 1
        and graph[_source(graph, node)[0]].operation == "input"
    )


def _source(graph: Graph, node: Node) -> tuple[str, tuple[tuple[int, int], ...]]:
    """What a convolution reads, and the ((top, bottom), (left, right)) zeros that an operation before it adds."""
    value = node.inputs[0]
    if graph[value].operation == "pad":
        return graph[value].inputs[0], graph[value].attributes["padding"]
    return value, ((0, 0), (0, 0))


def _widen(graph: Graph, node: Node) -> None:
    rows, columns, channels, _ = node.weights["kernel"].values.shape
    strides = node.attributes["strides"]
    value, margins = _source(graph, node)
    height, width, _ = graph[value].shape
    blocks = -(-columns // strides[1])
    reach = ((node.shape[0] - 1) * strides[0] + rows, (node.shape[1] - 1) * strides[1] + columns)
    wanted = (reach[0], (node.shape[1] - 1 + blocks) * strides[1])
    before, after = [], []
    for axis, size in enumerate((height, width)):
        missing = reach[axis] - size - sum(margins[axis])
        same = max(missing, 0) // 2 if node.attributes["padding"] == "same" else 0
        before.append(margins[axis][0] + same)
        after.append(wanted[axis] - size - before[axis])
    # What no window reaches is cut off by a negative padding, which there is not: such a stem stays as it is.
    if min(after) < 0:
        return
    if any(before) or any(after):
        # Rows as one piece: XNNPACK copies what it pads by the last axis, and three bytes at a time is slow.
        row = graph.add(Node("reshape", f"{node.name}.rows", [value], (height, 1, width * channels)))
        padding = ((before[0], after[0]), (0, 0), (before[1] * channels, after[1] * channels))
        padded = (wanted[0], 1, wanted[1] * channels)
        value = graph.add(Node("pad", f"{node.name}.pad", [row], padded, {"padding": padding}))
    shape = (wanted[0], wanted[1] // strides[1], strides[1] * channels)
    node.inputs = [graph.add(Node("reshape", f"{node.name}.blocks", [value], shape))]
    node.attributes = node.attributes | {
        "column_block": strides[1],
        "strides": (strides[0], 1),
        "padding": "valid",
    }

"""Plain average pools, and pools of one pixel, as depthwise convolutions of constant taps, which XNNPACK takes.

It leaves int8 AVERAGE_POOL_2D and pools of one pixel with stride (ResNetV2's shortcuts) to LiteRT, so that each would
cut the graph. Taps of 1/k² quantize exactly. Where "same" padding lets windows reach over the border, a constant map
makes up for the pixels that the average does not count.
"""

from __future__ import annotations

import numpy as np

from tformer_keras.deploy.graph.nodes import Graph, Node, Weight
from tformer_keras.deploy.graph.rewrites.plain_forms import drop_identities

# XNNPACK's largest depthwise kernel.
MOST_TAPS = 25


def pools_as_depthwise(graph: Graph) -> None:
    """Each average pool of up to 25 taps, and each pool of one pixel."""
    for node in list(graph.nodes.values()):
        one_pixel = node.attributes.get("size") == (1, 1)
        if node.operation == "average_pool" or (node.operation == "max_pool" and one_pixel):
            _replace(graph, node)
    drop_identities(graph)
    graph.tidy()


def _replace(graph: Graph, node: Node) -> None:
    size, strides = node.attributes["size"], node.attributes["strides"]
    image = graph[node.inputs[0]].shape
    name, channels = node.name, node.channels
    # Which pixels are counted, an axis at a time: TensorFlow puts the smaller half of the padding before them.
    counts, padded = [], False
    for axis in range(2):
        missing = max((node.shape[axis] - 1) * strides[axis] + size[axis] - image[axis], 0)
        padded = padded or bool(missing)
        first = np.arange(node.shape[axis]) * strides[axis] - missing // 2
        counts.append(np.minimum(first + size[axis], image[axis]) - np.maximum(first, 0))
    if size == strides == (1, 1):
        graph.remove([name])
        graph.add(Node("identity", name, node.inputs, node.shape))
        return
    if size == image[:2] and not padded and node.operation == "average_pool" and node.shape[:2] == (1, 1):
        graph.remove([name])
        graph.add(Node("global_average", name, node.inputs, node.shape, {"keepdims": True}, tensor=name))
        return
    if size[0] * size[1] > MOST_TAPS or strides[0] != strides[1]:
        return  # depthwise convolutions have one stride for both axes
    graph.remove([name])
    sums = graph.fresh(f"{name}.sums") if padded else name
    taps = np.full((*size, channels, 1), 1 / (size[0] * size[1]))
    kernel = Weight.of(f"{name}/taps", taps, trainable=False)
    attributes = {"strides": strides, "padding": "same" if padded else "valid", "dilation": (1, 1)}
    graph.add(Node("depthwise", sums, node.inputs, node.shape, attributes, {"kernel": kernel}, tensor=sums))
    if padded:
        border = size[0] * size[1] / (counts[0][:, None, None] * counts[1][None, :, None])
        graph.add(Node("scale_by", name, [sums], node.shape, {"value": border}, tensor=name))

"""A 1×1 convolution behind an enlarging resize, as segmenters end, works on the small map: its result is enlarged.

The weights of a resize sum to one and are the same in all channels, so that both may change places, bias included.
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node
from tformer_keras.deploy.graph.rewrites.plain_forms import is_pointwise


def pointwise_before_resize(graph: Graph) -> None:
    """Each of those that make no more channels than they read; before "bilinear" no ReLU may be part of them."""
    for name in list(graph.nodes):
        consumers = graph.consumers()
        node = graph[name]
        if not is_pointwise(node):
            continue
        resize = graph[node.inputs[0]]
        alone = resize.operation == "resize" and graph.single_consumer(resize.name, consumers) is node
        if not alone or node.channels > resize.channels:
            continue
        linear = not node.attributes.get("activation") or resize.attributes["method"] == "nearest"
        (small,) = resize.inputs
        height, width, _ = graph[small].shape
        if not linear or height * width >= resize.shape[0] * resize.shape[1]:
            continue
        graph.remove([name, resize.name])
        node.name, node.inputs, node.shape = (
            graph.fresh(f"{name}.small"),
            [small],
            (height, width, node.channels),
        )
        shape = (*resize.shape[:2], node.channels)
        graph.add(Node("resize", name, [graph.add(node)], shape, dict(resize.attributes)))
    graph.tidy()

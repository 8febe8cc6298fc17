"""A ReLU that no operation before it takes in becomes that of a product with one, which XNNPACK takes.

It leaves int8 RELU and RELU6 that stand alone to LiteRT, so that each would cut the graph: behind a sum that has other
readers (Xception), a concatenation (NASNet) or a pool.
"""

from __future__ import annotations

import numpy as np

from tformer_keras.deploy.graph.nodes import Graph, Node
from tformer_keras.deploy.graph.rewrites.plain_forms import FUSED, FUSING

# The converter makes these one operation with the ReLU behind them.
TAKING = (*FUSING, "affine", "scale_by", "with_constant")
# The float32 below one: the converter would drop a product with one itself. int8 knows no difference.
NEARLY_ONE = float(np.nextafter(np.float32(1), np.float32(0)))


def relu_in_product(graph: Graph) -> None:
    """Puts a product before each ReLU or ReLU6 that stands alone."""
    consumers = graph.consumers()
    for node in list(graph.nodes.values()):
        if node.operation != "activation" or node.attributes["kind"] not in FUSED:
            continue
        before = graph[node.inputs[0]]
        alone = graph.single_consumer(before.name, consumers) is node and not before.attributes.get(
            "activation"
        )
        if before.operation in TAKING and alone:
            continue
        key = graph.fresh(f"{node.name}.product")
        node.inputs = [graph.add(Node("scale_by", key, [before.name], node.shape, {"value": NEARLY_ONE}))]
    graph.tidy()

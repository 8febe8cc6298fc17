"""Max pooling at every scale as one cascade of 3×3 pools (docs/device_graph.md).

With "same" padding a pool of k behind one of m is one of m + k - 1, exactly: all channels run through 3×3 pools, and
each share is sliced out as its size is reached.
"""

from __future__ import annotations

from tformer_keras.deploy.graph.nodes import Graph, Node
from tformer_keras.deploy.graph.rewrites.plain_forms import cut, drop_identities, join


def cascade_max(graph: Graph) -> None:
    for name in [name for name, node in graph.nodes.items() if node.operation == "pools"]:
        node = graph[name]
        if node.attributes["operator"] != "max":
            continue
        graph.remove([name])
        kernels, shares = node.attributes["kernels"], node.attributes["shares"]
        starts = [sum(shares[:number]) for number in range(len(shares))]
        value, reached, parts = node.inputs[0], 1, {}
        order = sorted(range(len(kernels)), key=lambda number: kernels[number])
        for number in order:
            start, end = starts[number], starts[number] + shares[number]
            share = f"{name}.{kernels[number]}"
            # The last share is sliced before its last pools, where the others have left: less to pool.
            alone = number == order[-1] and kernels[number] > reached
            if alone:
                value = cut(graph, value, start, end, share)
            while reached < kernels[number]:
                reached += 2
                attributes = {"size": (3, 3), "strides": (1, 1), "padding": "same"}
                shape = graph[value].shape
                value = graph.add(Node("max_pool", f"{name}.cascade{reached}", [value], shape, attributes))
            parts[number] = value if alone else cut(graph, value, start, end, share)
        join(graph, [parts[number] for number in range(len(kernels))], name)
    drop_identities(graph)

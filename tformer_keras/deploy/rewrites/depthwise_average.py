"""Average pooling at every scale as two one-dimensional depthwise convolutions and a border map (design §3.4).

LiteRT does not delegate int8 AVERAGE_POOL_2D. A k×k average is a k×1 and a 1×k convolution of taps 1/k, centred in a
window that all shares have in common; 1/k a channel quantizes exactly. At the borders the sum is divided by k where
fewer pixels lie inside the image: a constant map, rows times columns, makes up for it.
"""

from __future__ import annotations

import numpy as np

from tformer_keras.deploy.graph import Graph, Node, Weight
from tformer_keras.deploy.rewrites.always import cut, drop_identities, join

# XNNPACK has depthwise kernels of 9 and of 25 taps: shares of up to 9 are not made to pay for larger ones. TFLite Micro
# has plain loops, and each operation costs it arena: there all shares go together.
FEW_TAPS, MANY_TAPS = 9, 25
# Channels of one step of its kernels on x86 with AVX-512; on Arm 16. A share of 6 costs as much as one of 32.
VECTOR = 32


def depthwise_average(graph: Graph) -> None:
    for name in [name for name, node in graph.nodes.items() if node.operation == "pools"]:
        node = graph[name]
        if node.attributes["operator"] != "average":
            continue
        graph.remove([name])
        start, parts = 0, []
        for number, shares in enumerate(_runs(node, FEW_TAPS if graph.target == "litert" else None)):
            size = sum(share for _, share in shares)
            value = cut(graph, node.inputs[0], start, start + size, f"{name}.run{number}_in")
            start += size
            parts.append(_average(graph, value, shares, name, number))
        join(graph, parts, name)
    drop_identities(graph)


def _runs(node: Node, few_taps: int | None) -> list[list[tuple[int, int]]]:
    """Neighbouring (kernel, share) pairs of the same kind: untouched, few taps, many taps (if that is a difference)."""
    runs: list[list[tuple[int, int]]] = []
    kinds: list[int] = []
    for kernel, share in zip(node.attributes["kernels"], node.attributes["shares"], strict=True):
        kind = 0 if kernel == 1 else 1 if few_taps is None or kernel <= few_taps else 2
        if kinds and kinds[-1] == kind:
            runs[-1].append((kernel, share))
        else:
            runs.append([(kernel, share)])
            kinds.append(kind)
    if few_taps is not None and 0 not in kinds and len(runs) > 1:
        together = [pair for run in runs for pair in run]
        if _work(together) <= sum(_work(run) for run in runs):
            return [together]
    return runs


def _work(run: list[tuple[int, int]]) -> int:
    """Taps that XNNPACK computes for a pixel, in vectors of channels."""
    taps = FEW_TAPS if max(kernel for kernel, _ in run) <= FEW_TAPS else MANY_TAPS
    return taps * -(-sum(share for _, share in run) // VECTOR)


def _average(graph: Graph, value: str, shares: list[tuple[int, int]], name: str, run: int) -> str:
    window = max(kernel for kernel, _ in shares)
    if window == 1:
        return value
    shape = graph[value].shape
    taps = np.zeros((window, shape[2]))
    start = 0
    for kernel, share in shares:
        first = (window - kernel) // 2
        taps[first : first + kernel, start : start + share] = 1 / kernel
        start += share
    for part, size in (("rows", (window, 1)), ("columns", (1, window))):
        key = f"{name}.run{run}.{part}"
        kernel_values = Weight.of(f"{key}/kernel", taps.reshape(*size, shape[2], 1), trainable=False)
        attributes = {"strides": (1, 1), "padding": "same", "dilation": (1, 1)}
        value = graph.add(Node("depthwise", key, [value], shape, attributes, {"kernel": kernel_values}))
        # The runs are parts of one logical tensor, so that ranges do not depend on how many there are.
        graph[value].tensor = f"{name}.{part}"
    radius = np.repeat([kernel // 2 for kernel, _ in shares], [share for _, share in shares])
    rows, columns = (_correction(size, radius) for size in shape[:2])
    border = rows[:, None] * columns[None]
    if (border == 1).all():
        return value
    attributes = {"value": border}
    node = Node("scale_by", f"{name}.run{run}.border", [value], shape, attributes, tensor=f"{name}.border")
    return graph.add(node)


def _correction(size: int, radius: np.ndarray) -> np.ndarray:
    """k over the number of positions of a window that lie inside the axis: (size, channels)."""
    position = np.arange(size)[:, None]
    inside = np.minimum(position, radius) + np.minimum(size - 1 - position, radius) + 1
    return (2 * radius + 1) / inside

"""Average pooling at every scale as two one-dimensional depthwise convolutions and a border map (docs/device_graph.md).

LiteRT does not delegate int8 AVERAGE_POOL_2D. A k×k average is a k×1 and a 1×k convolution of taps 1/k, centred in a
window that all shares have in common; 1/k a channel quantizes exactly. At the borders the sum is divided by k where
fewer pixels lie inside the image: a constant map, rows times columns, makes up for it.

A share of few channels leaves vectors half empty. Neighbouring pixels of a row lie side by side in memory, so that a
block of them is one pixel of more channels: the k×1 convolution works on those, and the 1×k one of very few channels
becomes a dense convolution of blocks. [Measured: TFormer-S 3.4 % faster on x86, 2.3 % instructions less on an A76.]
"""

from __future__ import annotations

import numpy as np

from tformer_keras.deploy.graph.nodes import Graph, Node, Weight
from tformer_keras.deploy.graph.rewrites.plain_forms import cut, drop_identities, join

# XNNPACK has depthwise kernels of 9 and of 25 taps: shares of up to 9 are not made to pay for larger ones. TFLite Micro
# has plain loops, and each operation costs it arena: there all shares go together.
FEW_TAPS, MANY_TAPS = 9, 25
# Channels of one step of XNNPACK's depthwise kernels: a share of 6 costs as much as one of 16.
LANES = 16
# Where a block of a row would be larger than this its taps cost more bytes than the time is worth.
MOST_CHANNELS = 256
# Of how few channels a sum along a row is faster as a dense convolution of blocks.
FEW_CHANNELS = 8
# On smaller maps neither blocks nor a second run of averages earn the bytes and operations that they cost.
MANY_PIXELS = 512
# What the slices and the concatenation of a second run cost, in taps of a vector.
SECOND_RUN = 16
ONE_STEP = {"strides": (1, 1), "padding": "same", "dilation": (1, 1)}


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
    if few_taps is not None and 0 not in kinds and not _many_pixels(node):
        together = [pair for run in runs for pair in run]
        if _work(together) <= sum(_work(run) for run in runs) + SECOND_RUN * (len(runs) - 1):
            return [together]
    return runs


def _many_pixels(node: Node) -> bool:
    return node.shape[0] * node.shape[1] >= MANY_PIXELS


def _work(run: list[tuple[int, int]]) -> int:
    """Taps that XNNPACK computes for a pixel, each of a vector of channels."""
    taps = FEW_TAPS if max(kernel for kernel, _ in run) <= FEW_TAPS else MANY_TAPS
    return taps * -(-sum(share for _, share in run) // LANES)


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
    wide = graph.target == "litert" and _many_pixels(graph[value])
    block = _block(shape[1], shape[2]) if wide else 1
    for part in ("rows", "columns"):
        key = f"{name}.run{run}.{part}"
        if part == "rows" and block > 1:
            value = _by_rows(graph, value, taps, block, key)
        elif part == "columns" and block > 1 and shape[2] <= FEW_CHANNELS:
            value = _by_blocks_of_columns(graph, value, taps, block, key)
        else:
            size = (window, 1) if part == "rows" else (1, window)
            weights = {
                "kernel": Weight.of(f"{key}/kernel", taps.reshape(*size, shape[2], 1), trainable=False)
            }
            value = graph.add(Node("depthwise", key, [value], shape, dict(ONE_STEP), weights))
        # The runs are parts of one logical tensor, so that ranges do not depend on how many there are.
        graph[_computed(graph, value)].tensor = f"{name}.{part}"
    radius = np.repeat([kernel // 2 for kernel, _ in shares], [share for _, share in shares])
    rows, columns = (_correction(size, radius) for size in shape[:2])
    border = rows[:, None] * columns[None]
    if (border == 1).all():
        return value
    attributes = {"value": border}
    node = Node("scale_by", f"{name}.run{run}.border", [value], shape, attributes, tensor=f"{name}.border")
    return graph.add(node)


def _computed(graph: Graph, value: str) -> str:
    """The node that computes `value`, which may be another shape of its output."""
    return graph[value].inputs[0] if graph[value].operation == "reshape" else value


def _block(columns: int, channels: int) -> int:
    """The fewest neighbouring pixels of a row whose channels fill whole vectors; 1 also where that is too many."""
    for block in range(1, columns + 1):
        if columns % block == 0 and block * channels % LANES == 0:
            return block if block * channels <= MOST_CHANNELS else 1
    return 1


def _in_blocks(graph: Graph, value: str, block: int, key: str) -> str:
    """`block` neighbouring pixels of a row as one of that many times the channels: the same bytes."""
    height, width, channels = graph[value].shape
    return graph.add(Node("reshape", f"{key}.blocks", [value], (height, width // block, block * channels)))


def _by_rows(graph: Graph, value: str, taps: np.ndarray, block: int, key: str) -> str:
    """The k×1 convolution on blocks of a row: no vector is half empty, and there are fewer windows."""
    shape = graph[value].shape
    blocks = _in_blocks(graph, value, block, key)
    kernel = np.tile(taps, block).reshape(len(taps), 1, -1, 1)
    weights = {"kernel": Weight.of(f"{key}/kernel", kernel, trainable=False)}
    sums = graph.add(Node("depthwise", f"{key}.sums", [blocks], graph[blocks].shape, dict(ONE_STEP), weights))
    return graph.add(Node("reshape", key, [sums], shape))


def _by_blocks_of_columns(graph: Graph, value: str, taps: np.ndarray, block: int, key: str) -> str:
    """The 1×k convolution as a dense one on blocks of a row: many products with zero, at a matrix product's speed."""
    shape = graph[value].shape
    radius, channels = len(taps) // 2, shape[2]
    reach = -(-radius // block)
    products = np.zeros((2 * reach + 1, block, channels, block, channels))
    for place in range(block):
        for tap in range(-radius, radius + 1):
            source = place + tap + reach * block
            index = (source // block, source % block)
            products[index][:, place, :] = np.diag(taps[tap + radius])
    kernel = products.reshape(1, 2 * reach + 1, block * channels, block * channels)
    blocks = _in_blocks(graph, value, block, key)
    weights = {"kernel": Weight.of(f"{key}/kernel", kernel, trainable=False)}
    attributes = ONE_STEP | {"groups": 1}
    sums = graph.add(Node("convolution", f"{key}.sums", [blocks], graph[blocks].shape, attributes, weights))
    return graph.add(Node("reshape", key, [sums], shape))


def _correction(size: int, radius: np.ndarray) -> np.ndarray:
    """k over the number of positions of a window that lie inside the axis: (size, channels)."""
    position = np.arange(size)[:, None]
    inside = np.minimum(position, radius) + np.minimum(size - 1 - position, radius) + 1
    return (2 * radius + 1) / inside

"""Lets a graph take another scale of pixels than its model: x = scale · y + offset a channel, and the graph takes y.

`absorb` puts this into the convolutions that read the input: no operation more. Their zero padding then stands for
y = 0 where it stood for x = 0, so that a border differs by `offset`. `prefix` computes x in front of everything.
Asked for at the file's border, never a rewrite.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.nodes import Graph, Node, Weight
from tformer_keras.deploy.graph.rewrites.fold_norms import fold_forward

Channels = NDArray[np.float64]


def absorb(graph: Graph, scale: Channels, offset: Channels) -> bool:
    """Scales the kernels that read the input, (channels,), and corrects their biases.

    Returns:
        Whether that is exact: nothing is padded where `offset` is not zero.

    Raises:
        UserError: something else than convolutions, with or without a padding before them, reads the input.
    """
    (name,) = graph.inputs
    readers, padded = _readers(graph, name)
    for reader in readers:
        fold_forward(graph, graph[reader], scale, offset)
    return not (padded and offset.any())


def prefix(graph: Graph, scale: Channels, offset: Channels) -> str:
    """Computes scale · y + offset by a depthwise convolution behind the input; returns the name of its tensor.

    For LiteRT each row is one pixel of all its channels, which fills vector registers: at 224×224 a fifth of the time,
    for 20 kB; for microcontrollers, where bytes count, it has a factor a channel.
    """
    (name,) = graph.inputs
    height, width, channels = graph[name].shape
    value, shape, repeats = name, (height, width, channels), 1
    whole = graph.fresh(f"{name}.normalised")
    readers = graph.consumers()[name]
    if graph.target == "litert":
        shape, repeats = (height, 1, width * channels), width
        value = graph.add(Node("reshape", graph.fresh(f"{name}.pixel_rows"), [name], shape))
    plain = {"strides": (1, 1), "padding": "valid", "dilation": (1, 1)}
    node = Node("depthwise", whole, [value], shape, plain, tensor=whole)
    kernel = np.tile(scale, repeats).reshape(1, 1, -1, 1)
    node.weights["kernel"] = Weight.of(f"{whole}/kernel", kernel, trainable=False)
    node.weights["bias"] = Weight.of(f"{whole}/bias", np.tile(offset, repeats), trainable=False)
    value = graph.add(node)
    if repeats > 1:
        back = Node("reshape", graph.fresh(f"{name}.normalised_pixels"), [value], graph[name].shape)
        value = graph.add(back)
    for reader in readers:
        graph[reader].inputs = [value if one == name else one for one in graph[reader].inputs]
    graph.outputs = [value if one == name else one for one in graph.outputs]
    graph.tidy()
    return whole


def _readers(graph: Graph, name: str) -> tuple[list[str], bool]:
    """(the convolutions that read a value, directly or padded, whether zeros stand beside it in any of them)."""
    consumers = graph.consumers()
    found: list[str] = []
    padded = name in graph.outputs
    if padded:
        raise _refusal("an output of the model")
    pending = [(reader, name) for reader in consumers[name]]
    while pending:
        reader, value = pending.pop()
        node = graph[reader]
        if node.operation in ("convolution", "depthwise") and _takes_channels(graph, node, name):
            padded = padded or _pads(graph, node, value)
            found.append(reader)
        elif node.operation in ("pad", "reshape") and reader not in graph.outputs:
            padded = padded or node.operation == "pad"
            pending += [(next_one, reader) for next_one in consumers[reader]]
        else:
            raise _refusal(f"{reader!r}, which is a {node.operation}")
    return list(dict.fromkeys(found)), padded


def _takes_channels(graph: Graph, node: Node, name: str) -> bool:
    """Whether a convolution's kernel has the channels of the input: not those of a reshaped one, but for a wide stem's
    (`widen_stem.py`), whose blocks of columns have the plain kernel."""
    channels = graph[name].channels
    if "column_block" in node.attributes:
        return node.weights["kernel"].values.shape[2] == channels
    before = graph[node.inputs[0]]
    while before.operation == "pad":
        before = graph[before.inputs[0]]
    return before.name == name


def _pads(graph: Graph, node: Node, value: str) -> bool:
    """Whether windows of a convolution reach over its input's border."""
    attributes = node.attributes
    if attributes["padding"] != "same":
        return False
    kernel = node.weights["kernel"].values.shape[:2]
    return any(
        (out - 1) * stride + (taps - 1) * dilation + 1 > size
        for out, stride, taps, dilation, size in zip(
            node.shape[:2],
            attributes["strides"],
            kernel,
            attributes["dilation"],
            graph[value].shape[:2],
            strict=True,
        )
    )


def _refusal(what: str) -> UserError:
    return UserError(
        "convolutions alone to read the input, to take the normalisation of pixels over",
        what,
        "add --exact, which normalises in front of everything",
        where="--io pixels",
    )

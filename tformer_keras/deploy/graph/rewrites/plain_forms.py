"""What is done for every set of rewrites, so that the emitter meets plain operations only."""

from __future__ import annotations

from typing import Any

import numpy as np

from tformer_keras.deploy.graph.nodes import Graph, Node, Weight

FUSED = ("relu", "relu6")
FUSING = ("convolution", "depthwise", "dense", "add", "subtract", "multiply")


def fuse_activations(graph: Graph) -> None:
    """ReLU and ReLU6 become part of the operation before them, as in LiteRT: one tensor, one range."""
    consumers = graph.consumers()
    for name in list(graph.nodes):
        node = graph[name]
        if node.operation != "activation" or node.attributes["kind"] not in FUSED:
            continue
        before = graph[node.inputs[0]]
        if before.operation in FUSING and graph.single_consumer(before.name, consumers) is node:
            graph.remove([before.name, name])
            before.attributes["activation"] = node.attributes["kind"]
            before.name = before.tensor = name
            graph.add(before)
            graph.tidy()
            consumers = graph.consumers()


def expand_hybrid_pools(graph: Graph) -> None:
    """A hybrid pooling as one "pools" node an operator, on the channels of that operator, and their concatenation."""
    for name in [name for name, node in graph.nodes.items() if node.operation == "hybrid_pool"]:
        node = graph[name]
        graph.remove([name])
        shares = node.attributes["shares"]
        operators = list(dict.fromkeys(operator for operator, _, _ in shares))
        start, parts = 0, []
        for operator in operators:
            kernels = tuple(kernel for kind, kernel, _ in shares if kind == operator)
            sizes = tuple(size for kind, _, size in shares if kind == operator)
            shape = (*node.shape[:2], sum(sizes))
            value = node.inputs[0]
            if len(operators) > 1:
                cut = {"start": start, "end": start + sum(sizes)}
                value = graph.add(Node("slice", f"{name}.{operator}_in", [value], shape, cut))
            part = name if len(operators) == 1 else f"{name}.{operator}"
            attributes = {"operator": operator, "kernels": kernels, "shares": sizes}
            parts.append(graph.add(Node("pools", part, [value], shape, attributes)))
            start += sum(sizes)
        if len(parts) > 1:
            graph.add(Node("concatenate", name, parts, node.shape, {"axis": 3}))
    graph.tidy()


def is_pointwise(node: Node, groups: int = 1) -> bool:
    """Whether a node is a 1×1 convolution of so many groups, without stride."""
    return (
        node.operation == "convolution"
        and node.weights["kernel"].values.shape[:2] == (1, 1)
        and tuple(node.attributes["strides"]) == (1, 1)
        and node.attributes["groups"] == groups
        and "column_block" not in node.attributes
    )


def cut(graph: Graph, value: str, start: int, end: int, name: str) -> str:
    """A slice of channels, or the value itself when that is all of them."""
    node = graph[value]
    if (start, end) == (0, node.channels):
        return value
    shape = (*node.shape[:-1], end - start)
    return graph.add(Node("slice", graph.fresh(name), [value], shape, {"start": start, "end": end}))


def join(graph: Graph, parts: list[str], name: str) -> str:
    """The concatenation of channels under the name `name`; a single part gets that name itself."""
    shape = graph[parts[0]].shape
    if len(parts) == 1:
        # A name for readers to find: the part's own would leave them looking for a node that is gone.
        return graph.add(Node("identity", name, parts, shape))
    total = sum(graph[part].channels for part in parts)
    return graph.add(Node("concatenate", name, parts, (*shape[:-1], total), {"axis": len(shape)}))


def expand_pools(graph: Graph) -> None:
    """Each share of a "pools" node by a pooling of its own."""
    for name in [name for name, node in graph.nodes.items() if node.operation == "pools"]:
        node = graph[name]
        graph.remove([name])
        start, parts = 0, []
        for kernel, share in zip(node.attributes["kernels"], node.attributes["shares"], strict=True):
            value = cut(graph, node.inputs[0], start, start + share, f"{name}.{kernel}_in")
            start += share
            if kernel > 1:
                operation = f"{node.attributes['operator']}_pool"
                attributes = {"size": (kernel, kernel), "strides": (1, 1), "padding": "same"}
                shape = (*node.shape[:2], share)
                value = graph.add(Node(operation, f"{name}.{kernel}", [value], shape, attributes))
            parts.append(value)
        join(graph, parts, name)
    drop_identities(graph)


def merge_slices(graph: Graph) -> None:
    """A slice of a slice becomes one of the whole."""
    for node in list(graph.nodes.values()):
        while node.operation == "slice" and graph[node.inputs[0]].operation == "slice":
            between = graph[node.inputs[0]]
            start = between.attributes["start"]
            node.attributes = {
                "start": start + node.attributes["start"],
                "end": start + node.attributes["end"],
            }
            node.inputs = list(between.inputs)


def drop_identities(graph: Graph) -> None:
    for name in [name for name, node in graph.nodes.items() if node.operation == "identity"]:
        if name not in graph.outputs:
            graph.replace(name, graph[name].inputs[0])
            graph.remove([name])


def split_affines(graph: Graph) -> None:
    """A factor and an offset a channel, where they were not folded, as the two operations that LiteRT makes of them.

    A constant factor of one, or offset of zero, is none.
    """
    _drop_trivial(graph)
    for name in [name for name, node in graph.nodes.items() if node.operation == "affine"]:
        node = graph[name]
        if len(node.weights) == 1:
            continue
        graph.remove([name])
        scaled = f"{name}.scaled"
        graph.add(
            Node(
                "affine", scaled, node.inputs, node.shape, {}, {"scale": node.weights["scale"]}, tensor=scaled
            )
        )
        graph.add(
            Node("affine", name, [scaled], node.shape, {}, {"offset": node.weights["offset"]}, node.tensor)
        )


def _drop_trivial(graph: Graph) -> None:
    for name in [name for name, node in graph.nodes.items() if node.operation == "affine"]:
        node = graph[name]
        for role, nothing in (("scale", 1.0), ("offset", 0.0)):
            weight = node.weights.get(role)
            if weight is not None and not weight.trainable and (weight.values == nothing).all():
                del node.weights[role]
        if not node.weights and name not in graph.outputs:
            graph.replace(name, node.inputs[0])
            graph.remove([name])
        elif not node.weights:
            node.operation = "identity"


def expand_activations(graph: Graph) -> None:
    """SiLU and quick GELU by the operations that LiteRT and its delegate have: sigmoid and products."""
    for name in [name for name, node in graph.nodes.items() if node.operation == "activation"]:
        node = graph[name]
        kind = node.attributes["kind"]
        if kind in ("hard_sigmoid", "hard_swish"):
            _expand_hard(graph, node, kind)
            continue
        if kind == "elu":
            _expand_elu(graph, node)
            continue
        if kind not in ("silu", "quick_gelu"):
            continue
        graph.remove([name])
        (value,) = steep = list(node.inputs)
        if kind == "quick_gelu":
            attributes = {"value": 1.702}
            key = f"{name}.steep"
            steep = [graph.add(Node("scale_by", key, [value], node.shape, attributes, tensor=key))]
        gate = graph.add(Node("activation", f"{name}.gate", steep, node.shape, {"kind": "sigmoid"}))
        graph.add(Node("multiply", name, [value, gate], node.shape, tensor=node.tensor))
    graph.tidy()


def _expand_hard(graph: Graph, node: Node, kind: str) -> None:
    """relu6(x + 3) / 6, and x times that: HARD_SWISH would be a border of XNNPACK's partition."""
    name, (value,), shape = node.name, node.inputs, node.shape
    graph.remove([name])
    shifted = Node("affine", f"{name}.shifted", [value], shape, tensor=f"{name}.shifted")
    shifted.weights["offset"] = Weight.of(f"{name}.shifted/offset", np.full(shape[-1], 3.0), trainable=False)
    graph.add(shifted)
    clipped = f"{name}.clipped"
    graph.add(Node("activation", clipped, [shifted.name], shape, {"kind": "relu6"}, tensor=clipped))
    gate = f"{name}.gate" if kind == "hard_swish" else name
    tensor = gate if kind == "hard_swish" else node.tensor
    graph.add(Node("scale_by", gate, [clipped], shape, {"value": 1 / 6}, tensor=tensor))
    if kind == "hard_swish":
        graph.add(Node("multiply", name, [value, gate], shape, tensor=node.tensor))


def _expand_elu(graph: Graph, node: Node) -> None:
    """relu(x) + exp(-relu(-x)) - 1: the converter leaves ELU in float, and LiteRT's reference kernels lack it."""
    name, (value,), shape = node.name, node.inputs, node.shape
    graph.remove([name])

    def step(part: str, operation: str, inputs: list[str], **attributes: Any) -> str:
        key = f"{name}.{part}"
        return graph.add(Node(operation, key, inputs, shape, attributes, tensor=key))

    above = step("above", "activation", [value], kind="relu")
    below = step("below", "activation", [step("turned", "scale_by", [value], value=-1.0)], kind="relu")
    power = step("power", "activation", [step("negative", "scale_by", [below], value=-1.0)], kind="exp")
    offset = Weight.of(f"{name}.less/offset", np.full(shape[-1], -1.0), trainable=False)
    less = graph.add(
        Node("affine", f"{name}.less", [power], shape, {}, {"offset": offset}, tensor=f"{name}.less")
    )
    graph.add(Node("add", name, [above, less], shape, tensor=node.tensor))

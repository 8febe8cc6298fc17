"""Folds factors and offsets a channel (norms, LayerScale, quick GELU's slope) into convolutions (docs/device_graph.md).

An `affine` node goes into the convolution before it, or, through pools, shuffles and global averages that commute with
it, into those behind it. Average pooling that does not count padding commutes with any affine map, max pooling with one
of non-negative scale, padding by zeros with one that has no offset.
"""

from __future__ import annotations

import numpy as np

from tformer_keras.deploy.graph.nodes import Graph, Node, Weight

PRODUCTS = ("convolution", "depthwise", "dense")
SLOPE = 1.702


def fold_norms(graph: Graph) -> None:
    """Folds every `affine` node that can be folded; notes those before max pooling whose scale is negative."""
    _expose_slopes(graph)
    folded = True
    while folded:
        folded = False
        for name in [name for name, node in graph.nodes.items() if node.operation == "affine"]:
            if name in graph.nodes and _fold(graph, graph[name]):
                folded = True
    for node in graph.nodes.values():
        if node.operation == "affine" and "negative" in node.attributes:
            graph.notes.append(
                f"{node.name} has a negative scale before max pooling and was not folded through it: slower; train "
                "with the norm's gamma constrained to be non-negative."
            )


def _fold(graph: Graph, affine: Node) -> bool:
    consumers = graph.consumers()
    before = graph[affine.inputs[0]]
    if graph.single_consumer(before.name, consumers) is affine and _fold_backward(graph, before, affine):
        return True
    if affine.name in graph.outputs:
        return False
    readers = [graph[name] for name in consumers[affine.name]]
    if readers and all(_takes_forward(reader, affine) for reader in readers):
        for reader in readers:
            fold_forward(graph, reader, _scale(affine), _offset(affine))
        graph.replace(affine.name, before.name)
        graph.remove([affine.name])
        return True
    return len(readers) == 1 and _swap(graph, affine, readers[0])


def _scale(node: Node) -> np.ndarray:
    return node.weights["scale"].values


def _offset(node: Node) -> np.ndarray:
    offset = node.weights.get("offset")
    return np.zeros(node.channels) if offset is None else offset.values


def _own(graph: Graph, node: Node, role: str) -> Weight:
    """The node's whole array, under a name of its own if other nodes use the same one."""
    weight = node.weights[role]
    if len(graph.weight_users()[weight.name]) > 1:
        # The first call of a layer has the layer's name, which the others' weights keep.
        name = f"{node.name}/{role}"
        weight = Weight.of(f"{node.name}.own/{role}" if name == weight.name else name, weight.values)
        node.weights[role] = weight
    return weight


def _add_to_bias(graph: Graph, node: Node, values: np.ndarray, factor: np.ndarray | float = 1.0) -> None:
    if "bias" not in node.weights:
        if not values.any():
            return
        node.weights["bias"] = Weight.of(f"{node.name}/bias", np.zeros(node.channels))
    bias = _own(graph, node, "bias")
    node.weights["bias"] = bias.with_values(bias.values * factor + values)


def _fold_backward(graph: Graph, before: Node, affine: Node) -> bool:
    if before.operation == "affine":
        scale, offset = _scale(before) * _scale(affine), _offset(before) * _scale(affine) + _offset(affine)
        trainable = any(weight.trainable for node in (before, affine) for weight in node.weights.values())
        for role, values in (("scale", scale), ("offset", offset)):
            affine.weights[role] = Weight.of(f"{affine.name}/{role}", values, trainable)
        affine.inputs = before.inputs
        graph.remove([before.name])
        return True
    if before.operation not in PRODUCTS or before.attributes.get("activation"):
        return False
    kernel = _own(graph, before, "kernel")
    scale = _scale(affine)
    if before.operation == "depthwise":
        scale = scale.reshape(kernel.values.shape[2:])
    before.weights["kernel"] = kernel.with_values(kernel.values * scale)
    _add_to_bias(graph, before, _offset(affine), _scale(affine))
    # The tensor is now what the affine put out: it has that name.
    graph.remove([before.name, affine.name])
    before.name = before.tensor = affine.name
    graph.add(before)
    graph.tidy()
    return True


def _takes_forward(reader: Node, affine: Node) -> bool:
    if reader.operation == "dense":
        return True
    if reader.operation not in ("convolution", "depthwise"):
        return False
    # Padding is zero behind the affine map, so an offset would have to be taken back at the borders.
    padded = reader.attributes["padding"] == "same" and reader.weights["kernel"].values.shape[:2] != (1, 1)
    return not padded or not _offset(affine).any()


def fold_forward(graph: Graph, reader: Node, scale: np.ndarray, offset: np.ndarray) -> None:
    """Lets a convolution, depthwise convolution or dense product compute what it gave for `scale · x + offset` from x.

    Exact where nothing is padded, or `offset` is zero. `scale` and `offset`: (input channels,).
    """
    kernel = _own(graph, reader, "kernel")
    values = kernel.values
    if reader.operation == "dense":
        sums, values = offset @ values, values * scale[:, None]
    elif reader.operation == "depthwise":
        sums = (values.sum((0, 1)) * offset[:, None]).reshape(-1)
        values = values * scale[:, None]
    else:
        groups = reader.attributes["groups"]
        # Of each output channel, the input channels of its group: (in / groups, out).
        per_output = values.shape[3] // groups
        by_group = [np.repeat(v.reshape(groups, -1).T, per_output, axis=1) for v in (scale, offset)]
        sums = (values * by_group[1]).sum((0, 1, 2))
        values = values * by_group[0]
    reader.weights["kernel"] = kernel.with_values(values)
    _add_to_bias(graph, reader, sums)


def _max_channels(node: Node) -> slice:
    """The channels of a pooling that go through a maximum."""
    if node.operation == "max_pool":
        return slice(None)
    shares = node.attributes.get("shares", ())
    start = 0
    for operator, _, share in shares:
        if operator == "max":
            return slice(start, start + sum(size for kind, _, size in shares if kind == "max"))
        start += share
    return slice(0, 0)


def _swap(graph: Graph, affine: Node, reader: Node) -> bool:
    """affine → reader becomes reader → affine, where the two commute."""
    scale, offset = _scale(affine), _offset(affine)
    if reader.operation == "shuffle":
        groups = reader.attributes["groups"]
        scale, offset = (values.reshape(groups, -1).T.reshape(-1) for values in (scale, offset))
    elif reader.operation == "pad":
        if offset.any() or len(reader.attributes["padding"]) != 2:  # of height and width, by zeros
            return False
    elif reader.operation not in ("hybrid_pool", "max_pool", "average_pool", "global_average"):
        return False
    elif (scale[_max_channels(reader)] < 0).any():
        affine.attributes["negative"] = True
        return False
    value = affine.inputs[0]
    graph.remove([affine.name])
    name = graph.fresh(f"{reader.name}.affine")
    moved = Node("affine", name, [reader.name], reader.shape, tensor=name)
    trainable = any(weight.trainable for weight in affine.weights.values())
    moved.weights["scale"] = Weight.of(f"{name}/scale", scale, trainable)
    moved.weights["offset"] = Weight.of(f"{name}/offset", offset, trainable)
    graph.replace(reader.name, name)
    reader.inputs = [value]
    graph.add(moved)
    graph.tidy()
    return True


def _expose_slopes(graph: Graph) -> None:
    """quick GELU, x·σ(1.702x), as SiLU between two factors, where convolutions on both sides take these in."""
    consumers = graph.consumers()
    for name in list(graph.nodes):
        node = graph[name]
        if node.operation != "activation" or node.attributes["kind"] != "quick_gelu":
            continue
        before, after = graph[node.inputs[0]], node
        while (reader := graph.single_consumer(after.name, consumers)) and reader.operation == "shuffle":
            after = reader
        takers = [graph[reader] for reader in consumers[after.name]]
        absorbs = before.operation in (*PRODUCTS, "affine")
        absorbs = absorbs and graph.single_consumer(before.name, consumers) is node
        if not absorbs or not takers or after.name in graph.outputs:
            continue
        if not all(taker.operation in PRODUCTS for taker in takers):
            continue
        node.attributes["kind"] = "silu"
        ones = np.ones(node.channels)
        steep = Node("affine", f"{name}.steep", list(node.inputs), node.shape, tensor=f"{name}.steep")
        steep.weights["scale"] = Weight.of(f"{name}.steep/scale", ones * SLOPE)
        flat = Node("affine", f"{name}.flat", [], node.shape, tensor=f"{name}.flat")
        flat.weights["scale"] = Weight.of(f"{name}.flat/scale", ones / SLOPE)
        node.inputs = [graph.add(steep)]
        graph.replace(name, flat.name)
        flat.inputs = [name]
        graph.add(flat)
        graph.tidy()
        consumers = graph.consumers()

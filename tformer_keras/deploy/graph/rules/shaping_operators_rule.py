"""Operations on a model's tensors that are no layers and move numbers: `x[..., ::-1]`, reshape, concatenate, pad."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from tformer_keras.deploy.graph.nodes import Node, Weight
from tformer_keras.deploy.graph.rules.merging_rule import lower_concatenate
from tformer_keras.deploy.graph.rules.operators_rule import operation_class
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require


@register_rule(
    operation_class(lambda x: ops.reshape(x, (-1, 64))),
    operation_class(lambda x: ops.expand_dims(x, 1)),
    operation_class(lambda x: ops.squeeze(x[:, :1], 1)),
)
def lower_reshape(call: Call) -> str:
    return call.graph.add(call.node("reshape", tensor=False))


register_rule(operation_class(lambda x: ops.concatenate([x, x])), constants=True)(lower_concatenate)


@register_rule(operation_class(lambda x: ops.transpose(x, (0, 2, 1, 3))))
def lower_transpose(call: Call) -> str:
    rank = len(call.shape) + 1
    axes = call.layer.axes or range(rank)[::-1]
    order = tuple(int(axis) % rank for axis in axes)
    require(call, order[0] == 0, "an order that leaves the batch first", tuple(axes))
    return call.graph.add(call.node("transpose", tensor=False, order=order[1:]))


@register_rule(operation_class(lambda x: ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))))
def lower_pad(call: Call) -> str:
    width = [tuple(map(int, one)) for one in call.layer.pad_width]
    value = call.arguments[1].get("constant_values") or 0
    require(call, call.layer.mode == "constant" and value == 0, "padding with zeros", call.layer.mode)
    # Of channels TensorFlow 2.21 ends the process, or fails, where it joins the padding with a convolution beside it.
    whole = len(width) == 4 and width[0] == width[3] == (0, 0)
    require(call, whole, "padding of height and width of maps (concatenate zeros for channels)", width)
    return call.graph.add(call.node("pad", tensor=False, padding=tuple(width[1:3])))


@register_rule(operation_class(lambda x: ops.stack([x, x], axis=-1)))
def lower_stack(call: Call) -> str:
    rank = len(call.shape) + 1
    axis = int(call.layer.axis) % rank
    require(call, axis > 0, "a stack along any axis but the batch", call.layer.axis)
    shape = tuple(1 if place == axis - 1 else size for place, size in enumerate(call.shape))
    parts = []
    for number, value in enumerate(call.inputs):
        name = call.graph.fresh(f"{call.name}.{number}")
        parts.append(call.graph.add(Node("reshape", name, [value], shape)))
    return call.graph.add(Node("concatenate", call.name, parts, call.shape, {"axis": axis}))


@register_rule(operation_class(lambda x: x[..., ::-1]), constants=True)
def lower_get_item(call: Call) -> str:
    """Parts with steps of one are slices; channels in another order are a 1×1 convolution that picks them; every n-th
    row and column is a pool of one pixel."""
    (_, key), _ = call.arguments
    shape = call.input.shape
    keys = _whole_key(call, key, len(shape) + 1)
    require(call, keys[0] == slice(None), "all images of the batch", key)
    # A number takes one and drops the axis.
    whole = [slice(one, one + 1 or None) if isinstance(one, int) else one for one in keys[1:]]
    spans = [range(*one.indices(size)) for one, size in zip(whole, shape, strict=True)]
    require(call, all(len(span) for span in spans), "a part that is not empty", key)
    require(call, all(span.step >= 1 for span in spans[:-1]), "pixels in their own order", key)
    strides = tuple(span.step for span in spans[:-1])
    if set(strides) != {1}:
        require(
            call, len(shape) == 3 and spans[-1] == range(shape[-1]), "a step over pixels of all channels", key
        )
        require(call, not any(isinstance(one, int) for one in keys), "slices alone beside a step", key)
        return _strided(call, spans, strides)
    graph, sizes = call.graph, tuple(map(len, spans))
    dropped = any(isinstance(one, int) for one in keys)
    name = graph.fresh(f"{call.name}.part") if dropped else call.name
    if spans[-1].step == 1:
        starts = tuple(span.start for span in spans)
        value = graph.add(Node("crop", name, call.inputs, sizes, {"starts": starts}))
    else:
        value = _picked(call, spans, name)
    return graph.add(Node("reshape", call.name, [value], call.shape)) if dropped else value


def _strided(call: Call, spans: list[range], strides: tuple[int, ...]) -> str:
    graph, value, shape = call.graph, call.inputs[0], call.input.shape
    sizes = tuple(span[-1] + 1 - span.start for span in spans)
    if sizes != shape:
        starts = tuple(span.start for span in spans)
        value = graph.add(Node("crop", graph.fresh(f"{call.name}.part"), [value], sizes, {"starts": starts}))
    attributes = {"size": (1, 1), "strides": strides, "padding": "valid"}
    return graph.add(Node("max_pool", call.name, [value], call.shape, attributes))


def _picked(call: Call, spans: list[range], name: str) -> str:
    graph, shape, value = call.graph, call.input.shape, call.inputs[0]
    require(call, len(shape) == 3, "channels of maps", shape)
    sizes = tuple(map(len, spans))
    if sizes[:2] != shape[:2]:
        part = graph.fresh(f"{name}.pixels")
        starts = (spans[0].start, spans[1].start, 0)
        value = graph.add(Node("crop", part, [value], (*sizes[:2], shape[2]), {"starts": starts}))
    kernel = np.zeros((1, 1, shape[-1], sizes[-1]))
    for place, channel in enumerate(spans[-1]):
        kernel[0, 0, channel, place] = 1.0
    attributes = {"strides": (1, 1), "padding": "valid", "dilation": (1, 1), "groups": 1}
    node = Node("convolution", name, [value], sizes, attributes, tensor=name)
    node.weights["kernel"] = Weight.of(f"{name}/kernel", kernel)
    return graph.add(node)


def _whole_key(call: Call, key: Any, rank: int) -> list[slice | int]:
    """One slice or number an axis."""
    keys = list(key) if isinstance(key, tuple) else [key]
    known = all(isinstance(one, slice | int) or one is Ellipsis for one in keys)
    require(call, known, "slices and numbers alone", key)
    places = [number for number, one in enumerate(keys) if one is Ellipsis]
    if places:
        keys[places[0] : places[0] + 1] = [slice(None)] * (rank - len(keys) + 1)
    return keys + [slice(None)] * (rank - len(keys))

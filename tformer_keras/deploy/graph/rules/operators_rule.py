"""Operations on a model's tensors that are no layers: `x + y`, `x / 127.5 - 1`, `x[..., ::-1]`, `keras.ops.relu(x)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from tformer_keras.deploy.graph.nodes import Node, Weight
from tformer_keras.deploy.graph.rules.merging_rule import concatenated, pairwise
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require


def operation_class(use: Callable[[Any], Any]) -> type:
    """The class of the operation that `use` makes of a tensor: Keras has no public names for these."""
    return type(use(keras.KerasTensor((None, 4, 4, 4)))._keras_history.operation)


ARITHMETIC = {
    "add": ops.add,
    "subtract": ops.subtract,
    "multiply": ops.multiply,
    "divide": ops.divide,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
}
ACTIVATIONS = {
    "relu": ops.relu,
    "relu6": ops.relu6,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "silu": ops.silu,
    "hard_sigmoid": ops.hard_sigmoid,
    "hard_swish": ops.hard_silu,
}


def _of_arithmetic(function: str) -> Callable[[Call], str]:
    def lower(call: Call) -> str:
        ranks = {len(call.graph[one].shape) for one in call.operands if isinstance(one, str)}
        require(call, len(ranks) == 1, "tensors of one rank (keras.layers.Add and others spread them)", ranks)
        return pairwise(call, function, list(call.operands), call.name)

    return lower


def _with_itself(use: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda x: use(x, x)


for _function, _use in ARITHMETIC.items():
    register_rule(operation_class(_with_itself(_use)), constants=True)(_of_arithmetic(_function))
register_rule(operation_class(lambda x: ops.true_divide(x, x)), constants=True)(_of_arithmetic("divide"))


def _of_activation(kind: str) -> Callable[[Call], str]:
    def lower(call: Call) -> str:
        return call.graph.add(call.node("activation", kind=kind))

    return lower


for _kind, _use in ACTIVATIONS.items():
    register_rule(operation_class(_use))(_of_activation(_kind))


@register_rule(operation_class(ops.negative))
def lower_negative(call: Call) -> str:
    return call.graph.add(call.node("scale_by", value=-1.0))


@register_rule(operation_class(lambda x: ops.reshape(x, (-1, 64))))
def lower_reshape(call: Call) -> str:
    return call.graph.add(call.node("reshape", tensor=False))


@register_rule(operation_class(lambda x: ops.concatenate([x, x])), constants=True)
def lower_concatenate(call: Call) -> str:
    rank = len(call.shape) + 1
    axis = int(call.layer.axis) % rank
    require(call, axis > 0, "concatenation of any axis but the batch", call.layer.axis)
    return concatenated(call, list(call.operands), axis)


@register_rule(operation_class(lambda x: ops.mean(x, (1, 2))))
def lower_mean(call: Call) -> str:
    axis = call.layer.axis
    axes = tuple(sorted(int(one) % 4 for one in (axis if isinstance(axis, list | tuple) else (axis,))))
    require(call, len(call.input.shape) == 3 and axes == (1, 2), "the mean over height and width", axis)
    return call.graph.add(call.node("global_average", keepdims=bool(call.layer.keepdims)))


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
    """Parts with steps of one are slices; channels in another order are a 1×1 convolution that picks them."""
    (_, key), _ = call.arguments
    shape = call.input.shape
    keys = _whole_key(call, key, len(shape) + 1)
    require(call, keys[0] == slice(None), "all images of the batch", key)
    # A number takes one and drops the axis.
    whole = [slice(one, one + 1 or None) if isinstance(one, int) else one for one in keys[1:]]
    spans = [range(*one.indices(size)) for one, size in zip(whole, shape, strict=True)]
    require(call, all(len(span) for span in spans), "a part that is not empty", key)
    require(call, all(span.step == 1 for span in spans[:-1]), "pixels with a step of 1", key)
    graph, sizes = call.graph, tuple(map(len, spans))
    dropped = any(isinstance(one, int) for one in keys)
    name = graph.fresh(f"{call.name}.part") if dropped else call.name
    if spans[-1].step == 1:
        starts = tuple(span.start for span in spans)
        value = graph.add(Node("crop", name, call.inputs, sizes, {"starts": starts}))
    else:
        value = _picked(call, spans, name)
    return graph.add(Node("reshape", call.name, [value], call.shape)) if dropped else value


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

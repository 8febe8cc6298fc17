"""keras.layers.GroupNormalization and LayerNormalization: statistics of each image, computed on the device.

They cannot be folded away. The plain operations are spelt out, so that each intermediate tensor has a range of its own.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from tformer_keras.deploy.graph.nodes import Node, Weight
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require


def _add_normalization(call: Call, groups: int, whole_map: bool) -> str:
    graph, name, layer = call.graph, call.name, call.layer
    height, width, channels = call.shape
    grouped = groups > 1
    shape: tuple[int, ...] = (height * width, groups, channels // groups) if grouped else call.shape
    axes: tuple[int, ...] = (1, 3) if grouped else (1, 2, 3) if whole_map else (3,)
    reduced = tuple(1 if axis + 1 in axes else size for axis, size in enumerate(shape))
    value = call.inputs[0]
    if grouped:
        value = graph.add(Node("reshape", f"{name}.grouped", [value], shape))

    def step(operation: str, part: str, inputs: list[str], size: tuple[int, ...], **attributes: Any) -> str:
        key = f"{name}.{part}"
        return graph.add(Node(operation, key, inputs, size, attributes, tensor=key))

    mean = step("mean", "mean", [value], reduced, axes=axes)
    centred = step("subtract", "centred", [value, mean], shape)
    squared = step("squared_difference", "squared", [value, mean], shape)
    variance = step("mean", "variance", [squared], reduced, axes=axes)
    # A tensor of its own range, or int8 would leave the sum and its root in float.
    positive = f"{name}.positive"
    summand = Weight.of(f"{positive}/offset", np.full(reduced[-1], float(layer.epsilon)), trainable=False)
    factor = Weight.of(f"{positive}/scale", np.ones(reduced[-1]), trainable=False)
    weights = {"scale": factor, "offset": summand}
    graph.add(Node("affine", positive, [variance], reduced, {}, weights, tensor=positive))
    inverse = step("reciprocal_root", "inverse", [positive], reduced)
    value = step("multiply", "normalized", [centred, inverse], shape)
    if grouped:
        value = graph.add(Node("reshape", f"{name}.flat", [value], call.shape))
    node = Node("affine", name, [value], call.shape, tensor=name)
    scale = layer.gamma if layer.scale else np.ones(channels)
    node.weights["scale"] = call.weight("scale", scale)
    if layer.center:
        node.weights["offset"] = call.weight("offset", layer.beta)
    graph.notes.append(
        f"{type(layer).__name__} does not fold away: its statistics are computed on the device, which is slower than "
        "BatchNormalization."
    )
    return graph.add(node)


@register_rule(keras.layers.GroupNormalization)
def lower_group_normalization(call: Call) -> str:
    layer = call.layer
    require(call, layer.axis in (-1, 3), "normalization of the last axis", layer.axis)
    require(call, len(call.shape) == 3, "an input of rank 4", call.shape)
    groups = call.shape[-1] if layer.groups == -1 else layer.groups
    return _add_normalization(call, groups, whole_map=True)


@register_rule(keras.layers.LayerNormalization)
def lower_layer_normalization(call: Call) -> str:
    layer = call.layer
    axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
    last = axis in (-1, len(call.shape))
    require(
        call, last and len(call.shape) in (1, 3), "rank 2 or 4, normalized over the last axis", layer.axis
    )
    if len(call.shape) == 3:
        return _add_normalization(call, 1, whole_map=False)
    graph = call.graph
    spread, inner = (graph.fresh(f"{call.name}.{part}") for part in ("spread", "inner"))
    shape = (1, 1, call.shape[0])
    graph.add(Node("reshape", spread, call.inputs, shape))
    as_map = dataclasses.replace(call, name=inner, inputs=[spread], shape=shape)
    return graph.add(Node("reshape", call.name, [_add_normalization(as_map, 1, whole_map=False)], call.shape))

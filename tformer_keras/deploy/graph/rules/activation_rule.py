"""keras.layers.Activation and the activation layers, and activations that are arguments of other layers."""

from __future__ import annotations

from typing import Any

import keras

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.nodes import Node
from tformer_keras.deploy.graph.rules.registry import Call, register_rule, require
from tformer_keras.layers.activations import exact_gelu, quick_gelu

KINDS = {
    quick_gelu: "quick_gelu",
    exact_gelu: "gelu",
    keras.activations.relu: "relu",
    keras.activations.relu6: "relu6",
    keras.activations.silu: "silu",
    keras.activations.sigmoid: "sigmoid",
    keras.activations.tanh: "tanh",
    keras.activations.softmax: "softmax",
    keras.activations.hard_swish: "hard_swish",
    keras.activations.hard_sigmoid: "hard_sigmoid",
    keras.activations.elu: "elu",
}


def add_activation(call: Call, value: str, function: Any) -> str:
    """Adds the activation of a layer's `activation` argument behind `value`, unless it is linear.

    Raises:
        UserError: for a function that no device operation computes.
    """
    if function is None or function is keras.activations.linear:
        return value
    if function is keras.activations.leaky_relu:
        name = call.graph.fresh(f"{call.name}.leaky") if value == call.name else call.name
        node = Node("leaky_relu", name, [value], call.shape, {"slope": 0.2}, tensor=name)
        return call.graph.add(node)
    if function is keras.activations.gelu:
        # Keras' gelu as an activation argument is the exact one; as a configured Activation layer too.
        kind = "gelu"
    elif function in KINDS:
        kind = KINDS[function]
    else:
        name = getattr(function, "__name__", repr(function))
        raise UserError(
            f"one of {', '.join(sorted(set(KINDS.values())))} or linear",
            f"the activation {name}, which has no lowering",
            "take one that has",
            where=f"layer {call.layer.name!r}",
        )
    if value == call.name:
        # The layer's own node has its name; what is put out is known by the name with the activation's.
        name = call.graph.fresh(f"{call.name}.{kind}")
    else:
        name = call.name
    return call.graph.add(Node("activation", name, [value], call.shape, {"kind": kind}, tensor=name))


def _lower_kind(call: Call, kind: str) -> str:
    return call.graph.add(call.node("activation", kind=kind))


@register_rule(keras.layers.Activation)
def lower_activation(call: Call) -> str:
    return add_activation(call, call.inputs[0], call.layer.activation)


@register_rule(keras.layers.ReLU)
def lower_relu(call: Call) -> str:
    layer = call.layer
    slope = float(layer.negative_slope or 0.0)
    require(
        call,
        not layer.threshold and not (slope and layer.max_value is not None),
        "no threshold, and a maximum or a negative slope, not both",
        (layer.negative_slope, layer.threshold, layer.max_value),
    )
    if slope:
        return call.graph.add(call.node("leaky_relu", slope=slope))
    if layer.max_value is not None:
        return bounded_relu(call, float(layer.max_value))
    return _lower_kind(call, "relu")


def bounded_relu(call: Call, most: float) -> str:
    """min(max(x, 0), most), which is `most` / 6 times the ReLU6 of 6 / `most` times x: devices have no other bound."""
    require(call, most > 0, "a maximum above 0", most)
    if most == 6:
        return _lower_kind(call, "relu6")
    graph = call.graph
    scaled, bounded = (graph.fresh(f"{call.name}.{part}") for part in ("scaled", "bounded"))
    graph.add(Node("scale_by", scaled, call.inputs, call.shape, {"value": 6 / most}, tensor=scaled))
    graph.add(Node("activation", bounded, [scaled], call.shape, {"kind": "relu6"}, tensor=bounded))
    return graph.add(
        Node("scale_by", call.name, [bounded], call.shape, {"value": most / 6}, tensor=call.name)
    )


@register_rule(keras.layers.ELU)
def lower_elu(call: Call) -> str:
    alpha = float(getattr(call.layer, "alpha", 1.0))
    require(call, alpha == 1.0, "an alpha of 1, which is the device's", alpha)
    return _lower_kind(call, "elu")


@register_rule(keras.layers.Softmax)
def lower_softmax(call: Call) -> str:
    require(call, call.layer.axis in (-1, len(call.shape)), "softmax over the last axis", call.layer.axis)
    return _lower_kind(call, "softmax")

"""Operations on a model's tensors that are no layers and compute: `x + y`, `x / 127.5 - 1`, `keras.ops.relu(x)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from tformer_keras.deploy.graph.nodes import Node
from tformer_keras.deploy.graph.rules.activation_rule import bounded_relu, lower_elu, lower_softmax
from tformer_keras.deploy.graph.rules.constants import add_with_constant
from tformer_keras.deploy.graph.rules.leaky_relu_rule import add_halves, lower_leaky_relu
from tformer_keras.deploy.graph.rules.merging_rule import pairwise
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


@register_rule(operation_class(ops.square))
def lower_square(call: Call) -> str:
    return _product_with_itself(call)


@register_rule(operation_class(lambda x: x**2), constants=True)
def lower_power(call: Call) -> str:
    exponent = call.operands[1]
    require(call, isinstance(exponent, np.ndarray) and bool(np.all(exponent == 2)), "a power of 2", exponent)
    return _product_with_itself(call)


def _product_with_itself(call: Call) -> str:
    value = call.inputs[0]
    return call.graph.add(Node("multiply", call.name, [value, value], call.shape, tensor=call.name))


@register_rule(operation_class(ops.absolute))
def lower_absolute(call: Call) -> str:
    """relu(x) + relu(-x)."""
    above, below = add_halves(call)
    return call.graph.add(Node("add", call.name, [above, below], call.shape, tensor=call.name))


@register_rule(operation_class(lambda x: ops.clip(x, 0, 1)))
def lower_clip(call: Call) -> str:
    """From zero on a scaled ReLU6, which is one operation of XNNPACK; else a maximum and a minimum."""
    low, high = call.layer.x_min, call.layer.x_max
    known = all(np.ndim(one) == 0 and np.isfinite(one) for one in (low, high))
    require(call, known and low < high, "two numbers, the lower one first", (low, high))
    if low == 0:
        return bounded_relu(call, float(high))
    above = call.graph.fresh(f"{call.name}.above")
    add_with_constant(call, "maximum", call.inputs[0], np.asarray(low, "float64"), False, above)
    return add_with_constant(call, "minimum", above, np.asarray(high, "float64"), False, call.name)


@register_rule(operation_class(ops.gelu))
def lower_gelu(call: Call) -> str:
    require(call, not call.layer.approximate, "gelu(x, approximate=False), which devices have", "another")
    return call.graph.add(call.node("activation", kind="gelu"))


# These operations are called as their layers are.
register_rule(operation_class(ops.leaky_relu))(lower_leaky_relu)
register_rule(operation_class(ops.elu))(lower_elu)
register_rule(operation_class(ops.softmax))(lower_softmax)


@register_rule(operation_class(lambda x: ops.mean(x, (1, 2))))
def lower_mean(call: Call) -> str:
    _require_whole_map(call, "mean")
    return call.graph.add(call.node("global_average", keepdims=bool(call.layer.keepdims)))


@register_rule(operation_class(lambda x: ops.max(x, (1, 2))), operation_class(lambda x: ops.amax(x, (1, 2))))
def lower_max(call: Call) -> str:
    _require_whole_map(call, "maximum")
    require(call, getattr(call.layer, "initial", None) is None, "no initial value", "one")
    return call.graph.add(call.node("global_max", tensor=False, keepdims=bool(call.layer.keepdims)))


def _require_whole_map(call: Call, what: str) -> None:
    axis = call.layer.axis
    axes = sorted(
        int(one) % 4 for one in (axis if isinstance(axis, list | tuple) else (axis,)) if one is not None
    )
    require(call, len(call.input.shape) == 3 and axes == [1, 2], f"the {what} over height and width", axis)

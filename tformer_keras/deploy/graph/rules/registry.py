"""The registry of lowering rules: one function a Keras 3 layer class."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.nodes import Graph, Node, Weight


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of a layer in the Keras 3 graph.

    Args:
        layer: the Keras 3 layer, or an operation on tensors (`x + y`).
        name: unique in the graph: the layer's name, with a number from its second call on.
        inputs: names of the nodes that it reads.
        shape: of its output, without the batch axis.
        graph: to which the rule adds nodes.
        weights_name: what the names of its weights begin with: the name of the layer's first call, so that two layers
            of one name, in two models within this one, have each its own.
        operands: what it was called with, in order: names of nodes, and constants as float64 arrays.
        arguments: (args, kwargs) of the call.
    """

    layer: Any
    name: str
    inputs: list[str]
    shape: tuple[int, ...]
    graph: Graph
    weights_name: str = ""
    operands: tuple[str | np.ndarray, ...] = ()
    arguments: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})

    @property
    def input(self) -> Node:
        return self.graph[self.inputs[0]]

    def weight(self, role: str, value: Any, trainable: bool = True) -> Weight:
        """A weight of the layer as a named array; a layer that is called twice has one array.

        Not `trainable`: a constant of the layer, such as the mean that a Normalization takes off.
        """
        array = value if isinstance(value, np.ndarray) else keras.ops.convert_to_numpy(value)
        return Weight.of(f"{self.weights_name or self.layer.name}/{role}", array, trainable)

    def node(self, operation: str, tensor: bool = True, **attributes: Any) -> Node:
        """A node with the call's name, inputs and shape; `tensor` says whether its range is its own."""
        return Node(
            operation, self.name, self.inputs, self.shape, attributes, tensor=self.name if tensor else None
        )


Rule = Callable[[Call], str]
_RULES: dict[type | str, Rule] = {}
_TAKES_CONSTANTS: set[Rule] = set()


def register_rule(*classes: type | str, constants: bool = False) -> Callable[[Rule], Rule]:
    """Registers the lowering rule of layer classes (subclasses included, unless they have their own).

    A class that no public name leads to is given as "module.Class". With `constants`, the rule reads `call.operands`,
    where constants stand among the inputs; any other rule is not called with a constant.

    A rule takes a `Call`, adds nodes to `call.graph` and returns the name of the node that is the layer's output:

        @register_rule(MyLayer)
        def lower_my_layer(call):
            return call.graph.add(call.node("activation", kind="relu"))
    """

    def register(rule: Rule) -> Rule:
        for layer_class in classes:
            _RULES[layer_class] = rule
        if constants:
            _TAKES_CONSTANTS.add(rule)
        return rule

    return register


def takes_constants(rule: Rule) -> bool:
    """Whether a rule reads constants among the inputs."""
    return rule in _TAKES_CONSTANTS


def find_rule(layer: Any) -> Rule:
    """The rule of the layer's class or of its nearest base class.

    Raises:
        UserError: when there is none.
    """
    for layer_class in type(layer).__mro__:
        for key in (layer_class, f"{layer_class.__module__}.{layer_class.__name__}"):
            if key in _RULES:
                return _RULES[key]
    kind = "layer" if isinstance(layer, keras.layers.Layer) else "operation on tensors"
    raise UserError(
        f"{'a' if kind == 'layer' else 'an'} {kind} with a lowering rule",
        f"one of class {type(layer).__module__}.{type(layer).__name__}",
        "register a rule with tformer_keras.deploy.graph.rules.register_rule (docs/layers.md), or use one that has one",
        where=f"{kind} {layer.name!r}",
    )


def require(call: Call, condition: bool, expected: str, received: Any) -> None:
    """Raises a UserError about an argument of the layer that no device graph can have."""
    if not condition:
        raise UserError(
            expected,
            repr(received),
            "use a layer that lowering knows",
            where=f"layer {call.layer.name!r} of class {type(call.layer).__name__}",
        )


def require_channels_last(call: Call) -> None:
    require(
        call,
        getattr(call.layer, "data_format", "channels_last") in (None, "channels_last"),
        "data_format='channels_last'",
        getattr(call.layer, "data_format", None),
    )

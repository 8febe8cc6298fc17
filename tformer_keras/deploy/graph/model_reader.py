"""Reads a functional Keras 3 model into a graph: each layer by its rule, nested models as part of the whole."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.nodes import Graph, Node
from tformer_keras.deploy.graph.rules import Call, find_rule, takes_constants


def read_graph(model: Any, target: str = "litert") -> Graph:
    """The nodes of a functional Keras 3 model by the rules of its layers, before any rewrite."""
    if not hasattr(model, "_nodes_by_depth") and isinstance(model, keras.Sequential) and model.built:
        model = model._functional
    if not hasattr(model, "_nodes_by_depth"):
        raise UserError(
            "a functional or built sequential Keras 3 model",
            f"a {type(model).__name__}",
            "build it, or write it with keras.Input",
            where="lowering",
        )
    for variable in model.variables:
        values = keras.ops.convert_to_numpy(variable)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise UserError(
                "finite weights",
                f"{variable.path} of {model.name!r}, which holds NaN or infinity",
                "train the model anew",
                where="lowering",
            )
    graph = Graph(target)
    names: dict[int, str] = {}
    for tensor in model.inputs:
        shape = _static_shape(tensor, model.name)
        # Keras 3's own name of the input layer, which is what users know the input by.
        name = graph.fresh(tensor._keras_history.operation.name)
        graph.inputs.append(graph.add(Node("input", name, [], shape, tensor=name)))
        names[id(tensor)] = name
    _walk(model, names, graph)
    graph.outputs = [names[id(tensor)] for tensor in model.outputs]
    if len(set(graph.outputs)) < len(graph.outputs) or set(graph.outputs) & set(graph.inputs):
        raise UserError(
            "outputs that differ from each other and from the inputs",
            "some that do not",
            "give the model each output once",
            where="lowering",
        )
    graph.tidy()
    return graph


def _walk(model: Any, values: dict[int, str], graph: Graph) -> None:
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            operation = node.operation
            if isinstance(operation, keras.layers.InputLayer):
                continue
            inputs = [values[id(tensor)] for tensor in node.arguments.keras_tensors]
            inner = getattr(operation, "_functional", None) or operation
            if hasattr(inner, "_nodes_by_depth"):
                inside = {id(tensor): name for tensor, name in zip(inner.inputs, inputs, strict=True)}
                _walk(inner, inside, graph)
                results = [inside[id(tensor)] for tensor in inner.outputs]
            else:
                if len(node.output_tensors) != 1:
                    raise UserError(
                        "one output a layer",
                        f"several of {operation.name!r}",
                        "replace that layer",
                        where="lowering",
                    )
                shape = _static_shape(node.output_tensors[0], operation.name)
                name = graph.fresh(operation.name)
                operands = _operands(node, values)
                rule = find_rule(operation)
                if not takes_constants(rule) and any(isinstance(one, np.ndarray) for one in operands):
                    raise UserError(
                        "tensors of the model as its inputs",
                        "a constant among them",
                        "apply the constant by keras.layers.Add, Multiply or Rescaling",
                        where=f"layer {operation.name!r} of class {type(operation).__name__}",
                    )
                call = Call(
                    operation,
                    name,
                    inputs,
                    shape,
                    graph,
                    graph.first_calls.setdefault(id(operation), name),
                    operands,
                    (node.arguments.args, node.arguments.kwargs),
                )
                results = [rule(call)]
            for tensor, result in zip(node.output_tensors, results, strict=True):
                values[id(tensor)] = result


def _operands(node: Any, values: dict[int, str]) -> tuple[str | np.ndarray, ...]:
    """What a call was given: names of nodes for the model's tensors, arrays for numbers, arrays and variables."""
    operands: list[str | np.ndarray] = []
    for given in keras.tree.flatten((node.arguments.args, node.arguments.kwargs)):
        if isinstance(given, keras.KerasTensor):
            operands.append(values[id(given)])
        elif isinstance(given, bool | str | None | slice | type(Ellipsis)):
            continue
        elif isinstance(given, int | float | np.ndarray | np.generic | keras.Variable) or ops.is_tensor(
            given
        ):
            operands.append(np.asarray(ops.convert_to_numpy(given), "float64"))
    return tuple(operands)


def _static_shape(tensor: Any, name: str) -> tuple[int, ...]:
    shape = tuple(tensor.shape[1:])
    if None in shape:
        raise UserError(
            "a fixed height and width",
            f"{name!r} of shape {tuple(tensor.shape)}",
            "build the model with a fixed input_shape",
            where="lowering",
        )
    return shape

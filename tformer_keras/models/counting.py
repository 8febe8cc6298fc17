"""Parameters and multiply-accumulates, counted from a built Keras graph."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import keras

from tformer_keras.layers import GroupedPointwise, LayerScale

# Layers whose every kernel element is used once at each output position.
KERNEL_LAYERS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Dense,
    GroupedPointwise,
)
# One multiplication an element at the most, folded into a neighbouring convolution on a device: not counted.
AFFINE_LAYERS = (
    keras.layers.BatchNormalization,
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    LayerScale,
)


@dataclasses.dataclass(frozen=True)
class Size:
    """What a model costs: trainable parameters, and multiply-accumulates of one image (poolings not counted)."""

    parameters: int
    macs: int


def count(model: keras.Model) -> Size:
    """Counts a functional model's trainable parameters and the multiply-accumulates of its convolutions and products.

    A layer of one's own that no rule here knows says what it costs by a method `multiply_accumulates(shapes)`: the
    shapes of its inputs, batch included, to the multiply-accumulates of one image. Products of two activations, as
    attention has them, are counted so: elements of the result times the length of what is summed.

    Args:
        model: a built functional model (nested ones are walked) whose input size is known.

    Raises:
        ValueError: for a layer with weights that has no counting rule, or a graph of unknown size.
    """
    parameters = sum(math.prod(variable.shape) for variable in model.trainable_variables)
    return Size(parameters, _macs(model))


def without_values(build: Callable[[], keras.Model]) -> keras.Model:
    """What `build` makes, for `count` alone: no weight is given a value, which is most of the time of a large model."""
    with keras.StatelessScope(initialize_variables=False):
        return build()


def _macs(model: keras.Model) -> int:
    if not hasattr(model, "_nodes_by_depth"):
        raise ValueError(
            f"count() expected a functional Keras model, received {type(model).__name__} {model.name!r}."
        )
    # A layer that is called twice has two nodes, and costs twice.
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    return sum(_operation_macs(node.operation, node) for node in nodes)


def _operation_macs(operation: Any, node: Any) -> int:
    if isinstance(operation, keras.Model):
        return _macs(operation)
    if hasattr(operation, "multiply_accumulates"):
        shapes = [_known(operation, tuple(tensor.shape)) for tensor in node.input_tensors]
        return int(operation.multiply_accumulates(shapes))
    if isinstance(operation, keras.layers.EinsumDense):
        (output,) = node.output_tensors
        return math.prod(_known(operation, output.shape)[1:]) * _summed(operation)
    if isinstance(operation, KERNEL_LAYERS):
        (output,) = node.output_tensors
        return math.prod(_known(operation, output.shape)[1:-1]) * math.prod(operation.kernel.shape)
    if getattr(operation, "weights", None) and not isinstance(operation, AFFINE_LAYERS):
        random_state = all("seed_generator" in variable.path for variable in operation.weights)
        if not random_state:
            raise ValueError(
                f"count() has no rule for layer {operation.name!r} of class {type(operation).__name__}, which has "
                "weights; add its class to KERNEL_LAYERS or AFFINE_LAYERS, or give it a method multiply_accumulates."
            )
    return 0


def _summed(layer: keras.layers.EinsumDense) -> int:
    """How many products each element of the output sums: those indices of the kernel that the output lacks."""
    operands, output = layer.equation.replace(" ", "").split("->")
    indices = zip(operands.split(",")[1], layer.kernel.shape, strict=True)
    return math.prod(size for index, size in indices if index not in output)


def _known(operation: Any, shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """The shape, of which only the batch may be unknown."""
    if None in shape[1:]:
        raise ValueError(
            f"count() expected a model of known input size, but layer {operation.name!r} has a map of {shape}; "
            "build it with a fixed input_shape."
        )
    return shape

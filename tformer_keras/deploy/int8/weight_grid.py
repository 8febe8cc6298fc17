"""The int8 grid that a quantized model's weights stand on, and what keeps it: which may move, and how far."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_keras.deploy.int8.fake_quantization import QuantizedWeights
from tformer_keras.deploy.int8.quantized_model import QuantizedModel

# As the fake quantization and the converter have it: a channel of less has no scale of its own.
LEAST = 1e-8


@dataclass(frozen=True)
class WeightGrid:
    """One variable of weights.

    A scale follows from the largest weight of its channel, which is therefore an anchor: while it stays, and no other
    weight goes beyond it, every scale stays, and a weight that does not move keeps its int8 byte.

    Attributes:
        low, high: bounds of the values that keep the scales, shape of the variable or one that broadcasts to it.
        anchored: bool, shape of the variable: what must not move.
        step: the value of one int8 step, broadcastable; None for a bias, which int32 holds as good as exactly.
    """

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    anchored: NDArray[np.bool_]
    step: NDArray[np.float32] | None


def weight_grids(quantized: QuantizedModel) -> list[WeightGrid]:
    """The grid of each variable that trains, in the order of `quantized.bindings`, by its values as they are now."""
    # What is equal stands in the file once: were it to part, all that follows would be displaced.
    contents = collections.Counter(variable.numpy().tobytes() for variable in quantized.trained_variables)
    kernels: dict[Any, dict[str, bool]] = {}
    constants: set[Any] = set()
    for layer in quantized.emitted.trained_layers:
        if isinstance(layer, QuantizedWeights):
            kernels |= {variable.ref(): layout for variable, layout in layer.kernels}
        else:
            constants |= {variable.ref() for variable in layer.variables}
    grids = []
    for variable in quantized.trained_variables:
        values = variable.numpy()
        if variable.ref() in kernels:
            grids.append(_of_kernel(values, kernels[variable.ref()]))
        elif variable.ref() in constants:
            grids.append(_of_constant(values))
        else:
            infinite = np.full((1,) * values.ndim, np.inf, np.float32)
            # Zeros are those of convolutions without a bias as well.
            shared = contents[values.tobytes()] > 1 or not values.any()
            grids.append(WeightGrid(-infinite, infinite, np.full(values.shape, shared), None))
    return _apart(grids, [variable.numpy() for variable in quantized.trained_variables])


def _apart(grids: list[WeightGrid], values: Sequence[NDArray[np.float32]]) -> list[WeightGrid]:
    """The grids, with kernels held whole that have the int8 bytes of another one: the file has them once.

    So it is with those of a detector's levels, which differ by the factor of each channel that a level's norm brings,
    until a training parts them.
    """
    codes = [
        None if grid.step is None else (value.shape, np.rint(value / grid.step).astype(np.int16).tobytes())
        for grid, value in zip(grids, values, strict=True)
    ]
    often = collections.Counter(codes)
    return [
        grid
        if code is None or often[code] == 1
        else dataclasses.replace(grid, anchored=np.ones_like(grid.anchored))
        for grid, code in zip(grids, codes, strict=True)
    ]


def _of_kernel(values: NDArray[np.float32], layout: dict[str, Any]) -> WeightGrid:
    """Symmetric, a scale a channel; see `PerChannelWeightQuantizer`."""
    channels = (2, 3) if layout["depthwise"] else (2,) if layout["transposed"] else (values.ndim - 1,)
    others = tuple(axis for axis in range(values.ndim) if axis not in channels)
    sizes = np.abs(values)
    largest = sizes.max(axis=others, keepdims=True)
    anchored = (sizes == largest) | (largest < LEAST)
    return WeightGrid(-largest, largest, anchored, np.maximum(largest, LEAST) / 127)


def _of_constant(values: NDArray[np.float32]) -> WeightGrid:
    """Asymmetric, one scale; see `operations.ChannelConstant`."""
    low, high = min(values.min(), 0.0), max(values.max(), 0.0)
    ends = np.full((1,) * values.ndim, low, np.float32), np.full((1,) * values.ndim, high, np.float32)
    anchored = (values == low) | (values == high) | np.full(values.shape, high - low < LEAST)
    return WeightGrid(*ends, anchored, np.maximum(ends[1] - ends[0], LEAST) / 255)

"""The activations that a TFormer may be built with, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from tformer_keras.layers.notes import BLOCKS, note, noted

QUICK_GELU_SLOPE = 1.702


@keras.saving.register_keras_serializable("tformer_keras")
def quick_gelu(inputs: Any) -> Any:
    """x·σ(1.702x), the sigmoid approximation of GELU (Hendrycks and Gimpel, arXiv:1606.08415, section 2).

    Input and output: any shape, any float dtype. The default activation ("not stated by the paper"), because int8 GELU
    has no kernel in TFLite Micro and none in XNNPACK's delegate, while this is one sigmoid and two multiplications.
    """
    return _and_in_blocks(_quick_gelu, inputs)


@ops.custom_gradient
def _quick_gelu(inputs: Any) -> Any:
    # With u = 1.702x, v = u·σ(u): y = v / 1.702 and dy/dx = σ(u)·(1 + u - v), fewer passes over memory than the
    # gradients of the single operations: a fifth off the activation's time in training on a CPU. The slope is computed
    # on the way forward, so that it is the one array that waits for the way back.
    scaled = inputs * QUICK_GELU_SLOPE
    gate = ops.sigmoid(scaled)
    swish = scaled * gate
    slope = gate * (1 + (scaled - swish))

    def gradient(*args: Any, upstream: Any = None) -> Any:
        (upstream,) = args or (upstream,)  # TensorFlow and JAX pass it by position, PyTorch by name
        return upstream * slope

    return swish * (1 / QUICK_GELU_SLOPE), gradient


@keras.saving.register_keras_serializable("tformer_keras")
def exact_gelu(inputs: Any) -> Any:
    """x·Φ(x) with the exact normal distribution function; any shape, any float dtype."""
    return _and_in_blocks(lambda x: ops.gelu(x, approximate=False), inputs)


def _and_in_blocks(function: Callable[[Any], Any], inputs: Any) -> Any:
    """The function of the inputs; where these are noted to be joined of blocks, a note of the function of each."""
    outputs = function(ops.convert_to_tensor(inputs))
    blocks = noted(inputs, BLOCKS)
    if blocks is not None:
        note(outputs, BLOCKS, lambda divisions: [[function(x) for x in row] for row in blocks(divisions)])
    return outputs


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "quick_gelu": quick_gelu,
    "gelu": exact_gelu,
    "relu": keras.activations.relu,
    "relu6": keras.activations.relu6,
    "hard_swish": keras.activations.hard_swish,
}

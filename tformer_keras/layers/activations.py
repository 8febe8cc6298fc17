"""The activations that a TFormer may be built with, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

QUICK_GELU_SLOPE = 1.702


@keras.saving.register_keras_serializable("tformer_keras")
def quick_gelu(inputs: Any) -> Any:
    """x·σ(1.702x), the sigmoid approximation of GELU (Hendrycks and Gimpel, arXiv:1606.08415, section 2).

    Input and output: any shape, any float dtype. The default activation ("not stated by the paper"), because int8 GELU
    has no kernel in TFLite Micro and none in XNNPACK's delegate, while this is one sigmoid and two multiplications.
    """
    # SiLU has a fused gradient in the frameworks: a training step with it is faster than with x * sigmoid(1.702 * x).
    return ops.silu(inputs * QUICK_GELU_SLOPE) * (1 / QUICK_GELU_SLOPE)


@keras.saving.register_keras_serializable("tformer_keras")
def exact_gelu(inputs: Any) -> Any:
    """x·Φ(x) with the exact normal distribution function; any shape, any float dtype."""
    return ops.gelu(inputs, approximate=False)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "quick_gelu": quick_gelu,
    "gelu": exact_gelu,
    "relu": keras.activations.relu,
    "relu6": keras.activations.relu6,
    "hard_swish": keras.activations.hard_swish,
}

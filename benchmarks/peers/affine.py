"""ResMLP's stand-in for a norm: a learned factor and offset a channel."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tformer_benchmarks")
class Affine(keras.layers.Layer):
    """`alpha · x + beta` (ResMLP, arXiv:2105.03404, equation 1).

    Input and output: `(batch, …, channels)`. Weights: `alpha` and `beta` `(channels,)`.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.alpha = self.add_weight(name="alpha", shape=(input_shape[-1],), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        return inputs * ops.cast(self.alpha, inputs.dtype) + ops.cast(self.beta, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def multiply_accumulates(self, shapes: list[tuple[int | None, ...]]) -> int:
        """None, for `count`: like a norm's, its factors fold into the dense layer behind it."""
        return 0

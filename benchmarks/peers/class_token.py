"""A learned token before those of the picture, which gathers what a classifier reads."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tformer_benchmarks")
class ClassToken(keras.layers.Layer):
    """Puts a learned token before all others (ViT, arXiv:2010.11929, equation 1).

    Input: `(batch, tokens, channels)`. Output: `(batch, 1 + tokens, channels)`. Weight: `token` `(1, 1, channels)`.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.token = self.add_weight(name="token", shape=(1, 1, input_shape[-1]), initializer=initializer)

    def call(self, inputs: Any) -> Any:
        token = ops.broadcast_to(
            ops.cast(self.token, inputs.dtype), (ops.shape(inputs)[0], 1, inputs.shape[-1])
        )
        return ops.concatenate([token, inputs], axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, tokens, channels = input_shape
        return batch, None if tokens is None else tokens + 1, channels

    def multiply_accumulates(self, shapes: list[tuple[int | None, ...]]) -> int:
        """None, for `count`."""
        return 0

"""Scaled dot-product attention of several heads, without its projections."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from benchmarks.peers.token_parts import dense


@keras.saving.register_keras_serializable("tformer_benchmarks")
class DotProductAttention(keras.layers.Layer):
    """`softmax(q kᵀ / √d) v`, head by head (Vaswani et al., arXiv:1706.03762, section 3.2).

    Args:
        heads: that share the channels out among them.

    Inputs: queries `(batch, n, channels)`, keys and values `(batch, m, channels)`; n and m are known. Output:
    `(batch, n, channels)`, in the compute dtype. No weights.

    Raises:
        ValueError: for channels that `heads` does not divide.
    """

    def __init__(self, heads: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heads = heads

    def call(self, query: Any, key: Any, value: Any) -> Any:
        channels = query.shape[-1]
        if channels % self.heads:
            raise ValueError(f"`heads` expected a divisor of {channels} channels, received {self.heads}.")
        width = channels // self.heads

        def split(x: Any) -> Any:
            return ops.transpose(ops.reshape(x, (-1, x.shape[1], self.heads, width)), (0, 2, 1, 3))

        # The queries have fewer numbers than the scores: scaled here, it costs least.
        scores = ops.matmul(split(query * (1 / math.sqrt(width))), ops.transpose(split(key), (0, 1, 3, 2)))
        mixed = ops.matmul(ops.softmax(scores, axis=-1), split(value))
        return ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, query.shape[1], channels))

    def compute_output_shape(
        self, query_shape: tuple[int | None, ...], key_shape: Any = None, value_shape: Any = None
    ) -> tuple[int | None, ...]:
        return tuple(query_shape)

    def multiply_accumulates(self, shapes: list[tuple[int | None, ...]]) -> int:
        """Of one image, for `count`: scores, and what they weigh: 2 · n · m · channels, whatever the heads."""
        (_, queries, channels), (_, keys, _) = shapes[0], shapes[1]
        return 2 * queries * keys * channels  # type: ignore[operator]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


def attention(x: Any, source: Any, heads: int, name: str) -> Any:
    """Attention of `x` to `source` with its four projections, all with biases."""
    width = x.shape[-1]
    query, key, value = (
        dense(width, f"{name}_{part}")(tokens)
        for part, tokens in (("query", x), ("key", source), ("value", source))
    )
    return dense(width, f"{name}_project")(
        DotProductAttention(heads, name=f"{name}_attention")(query, key, value)
    )

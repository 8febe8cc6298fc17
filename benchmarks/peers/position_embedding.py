"""Learned positions, added to tokens."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tformer_benchmarks")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned vector a position (ViT, arXiv:2010.11929), resized bilinearly to a map of another size (PVT).

    Args:
        grid: (rows, columns) that are learned.
        target: (rows, columns) of the input's tokens; None: the grid's.
        leading: 1 where a class token stands before them, else 0.

    Input and output: `(batch, leading + rows · columns, channels)`. Weight: `embedding`
    `(1, leading + rows · columns of the grid, channels)`.
    """

    def __init__(
        self, grid: tuple[int, int], target: tuple[int, int] | None = None, leading: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.grid, self.leading = tuple(grid), leading
        self.target = self.grid if target is None else tuple(target)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        rows, columns = self.grid
        self.embedding = self.add_weight(
            name="embedding",
            shape=(1, self.leading + rows * columns, input_shape[-1]),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )

    def call(self, inputs: Any) -> Any:
        embedding = ops.cast(self.embedding, inputs.dtype)
        if self.target != self.grid:
            channels = inputs.shape[-1]
            (rows, columns), (height, width) = self.grid, self.target
            grid = ops.reshape(embedding[:, self.leading :], (1, rows, columns, channels))
            grid = ops.image.resize(grid, self.target, "bilinear", data_format="channels_last")
            grid = ops.reshape(grid, (1, height * width, channels))
            embedding = (
                ops.concatenate([embedding[:, : self.leading], grid], axis=1) if self.leading else grid
            )
        return inputs + embedding

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def multiply_accumulates(self, shapes: list[tuple[int | None, ...]]) -> int:
        """None, for `count`."""
        return 0

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "grid": self.grid,
            "target": self.target,
            "leading": self.leading,
        }

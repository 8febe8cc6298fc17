"""Stochastic depth: whole residual branches dropped, image by image, in training."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tformer_keras.layers.checks import is_number


@keras.saving.register_keras_serializable("tformer_keras")
class StochasticDepth(keras.layers.Layer):
    """Zeroes the branch of each image with probability `rate`, and divides what stays by `1 - rate`
    (Huang et al., arXiv:1603.09382, in the per-image form that ViT training uses). The identity in inference.

    Args:
        rate: probability of dropping, 0 ≤ rate < 1.
        seed: an integer, or None to take Keras' global seed.

    Input and output: `(batch, …)`, any float dtype.

    Raises:
        ValueError: for a rate outside [0, 1).
    """

    def __init__(self, rate: float = 0.1, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not is_number(rate) or not 0 <= rate < 1:
            raise ValueError(f"`rate` expected a probability of at least 0 and below 1, received {rate!r}.")
        self.rate = float(rate)
        self.seed = seed
        if self.rate > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        keep = 1 - self.rate
        shape = (ops.shape(inputs)[0],) + (1,) * (len(inputs.shape) - 1)
        # Drawn in float32: bfloat16 has too few steps in [0, 1) for a rate to come out right.
        draw = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        mask = ops.where(draw < keep, 1 / keep, 0.0)
        return ops.multiply(inputs, ops.cast(mask, inputs.dtype))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}

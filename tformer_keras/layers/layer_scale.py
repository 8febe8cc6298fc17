"""LayerScale: a learned factor a channel on a residual branch."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tformer_keras.layers.checks import is_number


@keras.saving.register_keras_serializable("tformer_keras")
class LayerScale(keras.layers.Layer):
    """Multiplies each channel by a learned factor (CaiT, arXiv:2103.17239, section 2.1; PoolFormer uses it).

    Args:
        initial_value: what each factor starts at. "not stated by the paper"; 1e-5 (S, M) and 1e-6 (L) are our choice.

    Input and output: `(batch, …, channels)`, in the compute dtype. Weight: `scale` `(channels,)`.

    Raises:
        ValueError: for an input below rank 2 or of an unknown number of channels.
    """

    def __init__(self, initial_value: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not is_number(initial_value):
            raise ValueError(f"`initial_value` expected a number, received {initial_value!r}.")
        self.initial_value = float(initial_value)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                f"LayerScale {self.name!r} expected (batch, …, channels) with known channels, "
                f"received shape {tuple(input_shape)}."
            )
        self.scale = self.add_weight(
            name="scale",
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(self.initial_value),
        )

    def call(self, inputs: Any) -> Any:
        return ops.multiply(inputs, ops.cast(self.scale, inputs.dtype))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "initial_value": self.initial_value}

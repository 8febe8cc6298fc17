"""Channel shuffle: the exchange between the groups of two grouped convolutions."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from tformer_keras.layers.checks import check_divisible, check_positive, check_rank
from tformer_keras.layers.notes import BEFORE_SHUFFLE, note


@keras.saving.register_keras_serializable("tformer_keras")
class ChannelShuffle(keras.layers.Layer):
    """Interleaves the channels of `groups` equal groups (ShuffleNet, arXiv:1707.01083, section 3.1).

    Output channel `i * groups + g` is input channel `g * (channels // groups) + i`, so that each group of a following
    grouped convolution sees channels of every group of the one before. The TFormer paper names the shuffle of its
    PCS-FFN (figure 4) but not its permutation ("not stated by the paper"): ShuffleNet's is our choice.

    Args:
        groups: number of groups, at least 1; 1 is the identity.

    Input and output: `(batch, height, width, channels)`, any float dtype; channels divisible by `groups`.

    Raises:
        ValueError: for a group count below 1, an input that is not of rank 4, or channels that do not divide.
    """

    def __init__(self, groups: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.groups = check_positive("groups", groups)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        check_rank(self, input_shape)
        check_divisible(self, "input channels", input_shape[-1], self.groups)

    def call(self, inputs: Any) -> Any:
        if self.groups == 1:
            return inputs
        shape = ops.shape(inputs)
        channels = inputs.shape[-1]
        grouped = ops.reshape(inputs, (-1, self.groups, channels // self.groups))
        outputs = ops.reshape(ops.transpose(grouped, (0, 2, 1)), (*shape[:3], channels))
        # A grouped convolution behind a shuffle puts the permutation on its kernel, which is small, and reads what was
        # there before the shuffle: the shuffled tensor is then never computed.
        note(outputs, BEFORE_SHUFFLE, (inputs, self.groups))
        return outputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}

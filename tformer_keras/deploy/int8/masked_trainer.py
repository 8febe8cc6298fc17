"""Training under a mask: the weights that were chosen move within their int8 grid, all others stay to the bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tformer_keras.deploy.int8.quantized_trainer import QuantizedTrainer
from tformer_keras.deploy.int8.tf_keras_framework import named
from tformer_keras.deploy.int8.weight_grid import WeightGrid


class MaskedTrainer(QuantizedTrainer):
    """Takes `QuantizedTrainer`'s arguments, then the grid of each variable; where the variables are now, they start.

    After a step each value is the start where the mask says so, else within the grid's bounds.
    """

    def __init__(self, *arguments: Any, grids: Sequence[WeightGrid], **options: Any) -> None:
        super().__init__(*arguments, **options)
        variables = self.variables_to_train()
        starts = [variable.numpy() for variable in variables]
        masks = [tf.Variable(~grid.anchored, trainable=False, name="mask") for grid in grids]
        squares = [
            tf.Variable(tf.zeros_like(variable), trainable=False, name="squares") for variable in variables
        ]
        # In functions, or tf-keras would count them among its own.
        self.masks = lambda: masks
        self.squares = lambda: squares
        self.starts = lambda: starts
        self.grids = lambda: grids

    def begin(self, masks: Sequence[NDArray[np.bool_]]) -> None:
        """Puts all weights back to the start, forgets the gradients, and lets those of `masks` move alone."""
        for variable, start in zip(self.variables_to_train(), self.starts(), strict=True):
            variable.assign(start)
        for variable, mask, grid in zip(self.masks(), masks, self.grids(), strict=True):
            variable.assign(mask & ~grid.anchored)
        for variable in self.squares():
            variable.assign(tf.zeros_like(variable))

    def hold(self) -> None:
        """Puts every weight back to where it may be."""
        parts = (self.variables_to_train(), self.masks(), self.starts(), self.grids())
        for variable, mask, start, grid in zip(*parts, strict=True):
            variable.assign(tf.where(mask, tf.clip_by_value(variable, grid.low, grid.high), start))

    def state(self) -> list[Any]:
        """The squares of all gradients so far, summed, for checkpoints."""
        return named(self.squares())

    def move(self, gradients: Sequence[tf.Tensor]) -> None:
        """One step of the optimizer, which sees the gradients of the chosen weights alone."""
        chosen = []
        for gradient, mask, square in zip(gradients, self.masks(), self.squares(), strict=True):
            masked = tf.where(mask, gradient, 0.0)
            square.assign_add(tf.square(masked))
            chosen.append(masked)
        super().move(chosen)
        self.hold()

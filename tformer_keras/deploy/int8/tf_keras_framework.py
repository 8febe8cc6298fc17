"""tf-keras with the face that the training loop of the core knows: its variables, its AdamW, its place in recipes."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf
import tf_keras

from tformer_keras.training.framework import Framework


class NamedVariable:
    """A `tf.Variable` as checkpoints and averages read a Keras 3 one: `path`, `value`, `shape`, `assign`."""

    def __init__(self, variable: tf.Variable) -> None:
        self.variable = variable
        self.path = variable.name.partition(":")[0]
        self.shape = tuple(variable.shape)
        self.constraint = variable.constraint

    @property
    def value(self) -> tf.Tensor:
        """The value as it is now."""
        return self.variable.value()

    def assign(self, value: Any) -> None:
        """Replaces the value by one of the same shape."""
        self.variable.assign(value)


def named(variables: Iterable[tf.Variable]) -> list[Any]:
    """Each variable as a `NamedVariable`."""
    return [NamedVariable(variable) for variable in variables]


class AdamW(tf_keras.optimizers.AdamW):
    """tf-keras' AdamW whose `fit` leaves the trained weights alone when it ends; see `training.framework.AdamW`.

    Takes the same arguments. XLA is left out: it slows a CPU down, and tf-keras would use it on every GPU.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__(jit_compile=False, **arguments)

    def build(self, var_list: list[tf.Variable]) -> None:
        """Makes the state of `var_list`, the first time."""
        super().build(var_list)
        if not hasattr(self, "_averaged"):
            self._averaged = list(var_list)

    def finalize_variable_values(self, var_list: list[tf.Variable]) -> None:
        """Does nothing, on purpose."""

    def averages(self) -> list[tuple[NamedVariable, NamedVariable]]:
        """(trained variable, its moving average) pairs; empty when none is kept."""
        if not self.use_ema:
            return []
        return list(zip(named(self._averaged), named(self._model_variables_moving_average), strict=True))


# frozen_epochs: a lowered graph has lost which of its convolutions was the head.
TF_KERAS = Framework("tf-keras", tf_keras, AdamW, lacks=("accumulate", "mixed_precision", "frozen_epochs"))

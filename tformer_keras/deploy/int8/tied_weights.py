"""Weights that several quantized models have in common, so that they stay equal to the bit while all of them train."""

from __future__ import annotations

import fnmatch
import itertools
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tformer_edge.errors import UserError
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.deploy.int8.quantized_trainer import QuantizedTrainer

# One or more variables that are one weight: the first is trained, the others follow it.
Tie = list[Any]


def tied_variables(models: Sequence[QuantizedModel], frozen: Sequence[Any] = ()) -> list[Tie]:
    """The variables to train of all models, those together that are the same weight.

    That is: of the same name and place in a named array, and equal in the models as they are now; a head, whose name is
    the same in all of them, has its own values in each.

    Args:
        models: the first one leads.
        frozen: variables that do not train.
    """
    ties: dict[tuple[str, bytes, bytes], Tie] = {}
    left_out = {id(variable) for variable in frozen}
    for model in models:
        for variable, weight in model.bindings:
            if weight.trainable and id(variable) not in left_out:
                key = weight.name, weight.index.tobytes(), variable.numpy().tobytes()
                ties.setdefault(key, []).append(variable)
    return list(ties.values())


def frozen_variables(models: Sequence[QuantizedModel], patterns: tuple[str, ...]) -> list[tf.Variable]:
    """The kernels and biases that do not train.

    Args:
        models: the first one has all names.
        patterns: of layers of the source model: names, with * and ?; or "all".

    Raises:
        UserError: a pattern fits no layer with weights.
    """
    layers = list(
        dict.fromkeys(weight.name.rpartition("/")[0] for _, weight in models[0].bindings if weight.trainable)
    )
    frozen: set[str] = set()
    for pattern in patterns:
        found = layers if pattern == "all" else fnmatch.filter(layers, pattern)
        if not found:
            raise UserError(
                f"all, or names of layers such as {', '.join(layers[-3:])}",
                f"{pattern!r}, which fits none",
                "correct it",
                where="--freeze-weights",
            )
        frozen.update(found)
    return [
        variable
        for model in models
        for variable, weight in model.bindings
        if weight.name.rpartition("/")[0] in frozen
    ]


class TiedTrainer(QuantizedTrainer):
    """Takes `QuantizedTrainer`'s arguments with all ties in place of the variables: a weight moves by the sum of its
    gradients, everywhere alike."""

    def __init__(self, network: Any, ties: Sequence[Tie], *arguments: Any, **options: Any) -> None:
        super().__init__(network, [variable for tie in ties for variable in tie], *arguments, **options)
        self.ties = lambda: ties

    @property
    def leaders(self) -> list[Any]:
        """What the optimizer moves."""
        return [tie[0] for tie in self.ties()]

    def follow(self) -> None:
        """Gives every variable of a tie the first one's value."""
        for leader, *others in self.ties():
            for variable in others:
                variable.assign(leader)

    def move(self, gradients: Sequence[tf.Tensor]) -> None:
        """Changes the variables, given the gradient of each."""
        ends = itertools.accumulate((len(tie) for tie in self.ties()), initial=0)
        sums = [tf.add_n(list(gradients[start:end])) for start, end in itertools.pairwise(ends)]
        self.optimizer.apply_gradients(zip(sums, self.leaders, strict=True))
        self.follow()

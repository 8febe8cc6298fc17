"""A recipe as an optimizer of either Keras: AdamW, warm-up and cosine, decay where it belongs, averaged weights."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from tformer_keras.training.framework import KERAS, Framework
from tformer_keras.training.recipe import Recipe

# A run is at least this many times as long as the moving average of its weights.
SHORTEST_RUN = 5


def learning_rate_schedule(
    recipe: Recipe, steps_per_epoch: int, epochs: int, *, frozen: bool, framework: Framework = KERAS
) -> Any:
    """Linear warm-up, then half a cosine down to `final_learning_rate`; the frozen phase stays at its own rate.

    Args:
        recipe: the recipe.
        steps_per_epoch: batches an epoch, ≥ 1. Keras counts batches here even when gradients are accumulated.
        epochs: epochs of this phase, ≥ 1.
        frozen: whether this is the phase in which only the head is trained.
        framework: whose schedule it is to be.
    """
    cosine = framework.library.optimizers.schedules.CosineDecay
    total = steps_per_epoch * epochs
    if frozen:
        return cosine(recipe.frozen_learning_rate, decay_steps=total, alpha=1.0)
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), total - 1)
    if warmup <= 0:
        return cosine(recipe.learning_rate, decay_steps=total, alpha=recipe.final_learning_rate)
    return cosine(
        # The first step is one of the ramp's, not a step of size zero.
        recipe.learning_rate / warmup,
        decay_steps=total - warmup,
        alpha=recipe.final_learning_rate,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )


def undecayed(variables: Sequence[Any]) -> list[Any]:
    """The variables without weight decay: biases, norms' gamma and beta, and LayerScale, which are all vectors."""
    return [v for v in variables if sum(side > 1 for side in v.shape) <= 1]


def build_optimizer(
    recipe: Recipe,
    variables: Sequence[Any],
    steps_per_epoch: int,
    epochs: int,
    *,
    frozen: bool = False,
    framework: Framework = KERAS,
) -> Any:
    """An optimizer for `variables`, built, so that a checkpoint can be loaded into it.

    Args:
        recipe: the recipe.
        variables: the trainable variables, in the order of the model that is compiled.
        steps_per_epoch: batches an epoch, ≥ 1.
        epochs: epochs of this phase, ≥ 1.
        frozen: whether this is the phase in which only the head is trained.
        framework: whose optimizer it is to be.

    Returns:
        `framework.adamw`, within a `LossScaleOptimizer` when the recipe asks for float16.

    Raises:
        UserError: the recipe asks for something that the framework lacks.
    """
    framework.check(recipe)
    momentum = recipe.ema_momentum
    if momentum is not None:
        # On a small data set a run is short: an average of more than its end would still hold the first weights.
        momentum = min(momentum, max(0.0, 1 - SHORTEST_RUN / (steps_per_epoch * epochs)))
    if momentum is not None and recipe.accumulate > 1:
        # Keras averages after every batch, the weights change with every `accumulate`-th only.
        momentum = math.pow(momentum, 1 / recipe.accumulate)
    # tf-keras does not know the argument at all.
    accumulation = {"gradient_accumulation_steps": recipe.accumulate} if recipe.accumulate > 1 else {}
    optimizer = framework.adamw(
        learning_rate=learning_rate_schedule(
            recipe, steps_per_epoch, epochs, frozen=frozen, framework=framework
        ),
        weight_decay=recipe.weight_decay,
        beta_1=recipe.beta_1,
        beta_2=recipe.beta_2,
        global_clipnorm=recipe.clip_norm,
        use_ema=momentum is not None,
        ema_momentum=0.99 if momentum is None else momentum,
        name="optimizer",
        **accumulation,
    )
    optimizer.exclude_from_weight_decay(var_list=undecayed(variables))
    if recipe.mixed_precision == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name="loss_scale")
    optimizer.build(variables)
    return optimizer

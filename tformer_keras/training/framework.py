"""The library that a loop computes with: Keras 3 here; tf-keras in `deploy`, where the graph for devices is trained."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras

from tformer_edge.errors import UserError
from tformer_keras.training.callbacks import Hooks
from tformer_keras.training.recipe import Recipe


@keras.saving.register_keras_serializable(package="tformer_keras")
class AdamW(keras.optimizers.AdamW):
    """Keras' AdamW whose `fit` leaves the trained weights alone when it ends.

    Keras overwrites the weights with their moving average at the end of every `fit`; a run that goes on in a second
    `fit` (after a resume in mid-epoch, or when the backbone thaws) would go on from the average.
    `averaged_weights.use_average` puts the average in where it is wanted.
    """

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """Does nothing, on purpose."""

    def averages(self) -> list[tuple[keras.Variable, keras.Variable]]:
        """(trained variable, its moving average) pairs; empty when none is kept."""
        if not self.use_ema:
            return []
        pairs = zip(self._trainable_variables, self._model_variables_moving_average, strict=True)
        return [(variable, average) for variable, average in pairs if average is not None]


@dataclasses.dataclass(frozen=True)
class Framework:
    """What differs between the two Kerases, where a recipe is made into objects.

    Attributes:
        name: as users know it.
        library: `keras` or `tf_keras`, which name their losses, metrics, schedules and callbacks alike.
        adamw: its AdamW, with `averages` and without Keras' overwriting at the end of `fit`.
        lacks: fields of `Recipe` that it has no means for.
    """

    name: str
    library: Any
    adamw: Callable[..., Any]
    lacks: tuple[str, ...]

    def check(self, recipe: Recipe) -> None:
        """Raises UserError when the recipe asks for something that this framework lacks."""
        for field in dataclasses.fields(Recipe):
            value = getattr(recipe, field.name)
            if field.name in self.lacks and value != field.default:
                raise UserError(
                    f"{field.default!r} where {self.name} trains, which has no means for it",
                    repr(value),
                    f"leave it out, or add --set {field.name}={field.default!r}",
                    where=f"recipe field {field.name}",
                )

    def callback(self, hooks: Hooks) -> Any:
        """`hooks` as a callback of this library's `fit`."""
        hooks.callback = self.library.callbacks.LambdaCallback(
            on_train_begin=hooks.on_train_begin,
            on_epoch_begin=hooks.on_epoch_begin,
            on_train_batch_end=hooks.on_train_batch_end,
            on_epoch_end=hooks.on_epoch_end,
        )
        return hooks.callback


KERAS = Framework("Keras 3", keras, AdamW, lacks=("freeze_ranges_from",))

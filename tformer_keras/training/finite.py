"""Stops a run at the first step whose loss is no number any more: what follows would be trained for nothing."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tformer_edge.errors import Failure
from tformer_keras.training.callbacks import Hooks, Progressed

ADVICE = "try a lower --learning-rate, --set clip_norm=1.0, or full precision"


class Diverged(Failure):
    """A run whose loss, or weights, are NaN or infinite; its checkpoints are from before. Commands exit with 1."""

    def __init__(self, what: str, progressed: Progressed, rate: float | None = None) -> None:
        at = f"epoch {progressed.epoch + 1}, step {progressed.step + 1}"
        learning = "" if rate is None else f", at a learning rate of {rate:g}"
        kept = (
            "the last good checkpoint is kept" if progressed.epoch or progressed.step else "nothing was saved"
        )
        super().__init__(f"stopped in {at}{learning}: {what} not finite; {kept}; {ADVICE}")


class StopWhereNotFinite(Hooks):
    """Raises `Diverged` after a step whose loss is not finite, before a checkpoint can be made of it.

    The loss that Keras hands over is a mean that it has fetched for the progress bar already, so that looking at it
    every step costs nothing.

    Args:
        progressed: how far the run has come.
    """

    def __init__(self, progressed: Progressed) -> None:
        self.progressed = progressed

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(float(keras.ops.convert_to_numpy(loss))):
            rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
            raise Diverged("the loss is", self.progressed, rate)


def check_finite(arrays: Mapping[str, np.ndarray], progressed: Progressed) -> None:
    """Raises `Diverged` where an array of a checkpoint is not finite: the next step's loss would not be either."""
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not name.startswith("metrics/") and not np.isfinite(array).all():
            raise Diverged(f"{name} is", progressed)

"""What happens during `fit`: evaluation with averaged weights, the history, checkpoints, and stopping when asked.

The classes belong to no library; `Framework.callback` makes callbacks of them.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import keras
import numpy as np

from tformer_edge.errors import UserError
from tformer_keras.tasks.task import Evaluation
from tformer_keras.training.averaged_weights import averaged
from tformer_keras.training.checkpoint import save_checkpoint
from tformer_keras.training.variables import assign_arrays, to_arrays


@dataclass
class Progressed:
    """How far a run has come: `epoch` whole epochs, `step` batches of the next, one history row a whole epoch."""

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)


class Hooks:
    """What a callback does. `callback` is the library's own, which knows the model in `fit`."""

    callback: Any = None

    @property
    def model(self) -> Any:
        """The compiled model; on JAX, asking for it brings its state up to date."""
        return self.callback.model

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Before the first batch of a `fit`."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Before the first batch of an epoch."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """After each batch, counted from 0 in each `fit`."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """After the last batch of an epoch; later hooks see what this one adds to `logs`."""


class Evaluating(Hooks):
    """Evaluates on the test images and adds `val_` figures to the epoch's logs.

    The last epoch is measured with the averaged weights, which are those that the run ends with; epochs before it with
    the trained weights, because BatchNorm's moving statistics belong to these: while the learning rate is high, the
    average with these statistics measured 38.8 % where the trained weights had 72.5 % (CIFAR-10, epoch 5 of 24).

    Args:
        evaluate: gives the evaluation of the weights as they are.
        every: epochs between evaluations.
        epochs: epochs of the whole run; the last is always evaluated.
    """

    def __init__(self, evaluate: Callable[[], Evaluation], every: int, epochs: int) -> None:
        self.run = evaluate
        self.every = every
        self.epochs = epochs
        self.last: Evaluation | None = None  # of the epoch that has just ended

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Evaluates, when it is this epoch's turn."""
        self.last = None
        if (epoch + 1) % self.every and epoch + 1 != self.epochs:
            return
        last = epoch + 1 == self.epochs
        with averaged(self.model.optimizer) if last else contextlib.nullcontext():
            self.last = self.run()
        assert logs is not None
        for name, figure in self.last.figures.items():
            logs[f"val_{name}"] = figure.value


class Stop(KeyboardInterrupt):
    """The run was asked to stop, and its checkpoint is saved."""


class StopRequests:
    """Within the context SIGINT and SIGTERM ask the run to stop after the step; a second SIGINT stops at once."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "StopRequests":
        self.before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True


class Checkpointed(Protocol):
    """What checkpoints are made of: a run, as `loop.Loop` has it.

    Attributes:
        job: gives the folder and the minutes between checkpoints within an epoch.
        cluster: a process that does not write saves nothing.
        progressed: how far the run has come; kept up to date by the checkpoints.
        steps_per_epoch: batches of a whole epoch.
        ask_every: steps between asking whether to stop, ≥ 1.
        metrics: arrays of the "metrics" group, when the first epoch goes on from its middle.
    """

    job: Any
    cluster: Any
    progressed: Progressed
    steps_per_epoch: int
    ask_every: int
    metrics: Mapping[str, np.ndarray] | None

    def groups(self) -> dict[str, list[keras.Variable]]:
        """The variables to save by group; "metrics" joins them in the middle of an epoch."""

    def extra(self) -> Mapping[str, Any]:
        """More state to save."""

    def stopping(self) -> bool:
        """Whether the run is asked to stop, agreed among all processes."""

    def check(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raises where these must not become a checkpoint."""


class Checkpointing(Hooks):
    """Keeps the history and saves the run: after each epoch, every few minutes within one, and when asked to stop.

    Args:
        run: what is trained.
    """

    def __init__(self, run: Checkpointed) -> None:
        self.run = run
        self.progressed = run.progressed
        self.offset = run.progressed.step
        self.saved = time.monotonic()
        self.clock = time.monotonic()
        self.step_seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Goes on with the metrics of an epoch that was begun before; `fit` has just reset them."""
        if self.run.metrics:
            assign_arrays({"metrics": self.model.metrics_variables}, self.run.metrics)
            self.run.metrics = None
        self.epoch_begun = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts the step; saves when it is time, or when asked to stop."""
        self.progressed.step = self.offset + batch + 1
        if self.progressed.step == self.run.steps_per_epoch:
            self.step_seconds = time.monotonic() - self.epoch_begun
            self.steps_timed = batch + 1
            return  # the end of the epoch, which comes next, saves
        if self.progressed.step % self.run.ask_every == 0 and self.run.stopping():
            self._save()
            raise Stop
        if time.monotonic() - self.saved >= 60 * self.run.job.checkpoint_minutes:
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the epoch to the history and saves."""
        rate = self.steps_timed / self.step_seconds if self.step_seconds else 0.0
        optimizer = self.model.optimizer
        row = {
            "epoch": epoch + 1,
            **{name: float(value) for name, value in (logs or {}).items()},
            "learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
            "steps_per_second": rate,
        }
        self.progressed.history.append(row)
        self.progressed.epoch, self.progressed.step, self.offset = epoch + 1, 0, 0
        self._save()
        if self.run.stopping():
            raise Stop

    def _save(self) -> None:
        now = time.monotonic()
        self.progressed.seconds += now - self.clock
        self.clock = now
        self.saved = now
        if not self.run.cluster.writes:
            return
        sync = getattr(self.model, "jax_state_sync", None)
        if sync is not None:  # JAX keeps the state outside the variables while `fit` runs
            sync()
        groups = dict(self.run.groups())
        if self.progressed.step:
            groups["metrics"] = self.model.metrics_variables
        state = {
            "epoch": self.progressed.epoch,
            "step": self.progressed.step,
            "seconds": self.progressed.seconds,
            "history": self.progressed.history,
            **self.run.extra(),
        }
        number = self.progressed.epoch * self.run.steps_per_epoch + self.progressed.step
        arrays = to_arrays(groups)
        self.run.check(arrays)
        save_checkpoint(self.run.job.out / "checkpoints", number, arrays, state)


def tensorboard(library: Any, folder: Path) -> Any:
    """A callback of `library` (`keras` or `tf_keras`) that writes TensorBoard's events to `folder`.

    Raises:
        UserError: TensorFlow, which Keras writes them with, is not installed.
    """
    try:
        return library.callbacks.TensorBoard(folder)
    except ImportError as error:
        raise UserError(
            "TensorFlow, which Keras writes TensorBoard's events with",
            "no such package",
            "install tensorflow, or leave the option out",
            where="--tensorboard",
        ) from error

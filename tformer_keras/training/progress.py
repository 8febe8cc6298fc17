"""Progress of a run: a bar with loss, images/s and time left on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import rich.console
import rich.progress

from tformer_keras.tasks.task import Evaluation, Figure
from tformer_keras.training.callbacks import Hooks

BAR_INTERVAL = 0.2  # seconds between refreshes: reading the loss waits for the device
LINE_INTERVAL = 60.0  # seconds between lines within an epoch, where there is no terminal


def duration(seconds: float) -> str:
    """`seconds` as 1:02:03 or 2:03."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Progress(Hooks):
    """Shows steps as they are made and a line for each epoch.

    Args:
        console: where to write.
        epochs: epochs of the whole run.
        steps_per_epoch: batches of a whole epoch.
        batch_size: images of a batch, over all processes.
        measures: the task's: name for people and unit by the name in the logs.
        offset: batches of the first epoch that were made before, by the run that this one resumes.
        evaluated: gives the evaluation that the epoch ended with, or None.
    """

    def __init__(
        self,
        console: rich.console.Console,
        epochs: int,
        steps_per_epoch: int,
        batch_size: int,
        measures: Mapping[str, tuple[str, str]],
        offset: int = 0,
        evaluated: Callable[[], Evaluation | None] = lambda: None,
    ) -> None:
        self.console = console
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.batch_size = batch_size
        self.offset = offset
        self.measures, self.evaluated = measures, evaluated
        self.epoch = 0
        self.steps_here = 0  # made by this process, for the speed
        self.seconds_here = 0.0  # of training alone, so that evaluation does not count
        self.bar: rich.progress.Progress | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the bar."""
        if self.console.is_terminal:
            self.bar = rich.progress.Progress(
                rich.progress.TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
                rich.progress.BarColumn(),
                rich.progress.TextColumn("{task.completed}/{task.total} {task.fields[status]}"),
                console=self.console,
                transient=True,
            )
            self.bar.start()
            self.task = self.bar.add_task(
                "", total=self.steps_per_epoch, completed=self.offset, epoch=0, epochs=self.epochs, status=""
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the epoch's clock."""
        self.epoch = epoch
        self.begun = self.shown = self.lined = time.perf_counter()
        if self.bar is not None:
            self.bar.update(self.task, completed=self.offset, epoch=epoch + 1, status="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Refreshes what is shown, now and then."""
        now = time.perf_counter()
        steps = batch + 1
        if self.bar is not None and now - self.shown >= BAR_INTERVAL:
            self.shown = now
            self.bar.update(
                self.task, completed=self.offset + steps, status=self._status(steps, now, logs or {})
            )
        elif self.bar is None and now - self.lined >= LINE_INTERVAL:
            self.lined = now
            self._say(
                f"epoch {self.epoch + 1}/{self.epochs} step {self.offset + steps}/{self.steps_per_epoch} "
                f"{self._status(steps, now, logs or {})}"
            )
        if self.offset + steps == self.steps_per_epoch:
            self.steps_here += steps
            self.seconds_here += now - self.begun

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """One line for the epoch, with what the evaluation gave."""
        logs = logs or {}
        figures = [f"loss {logs['loss']:.4f}"]
        figures += [
            str(Figure(name, float(logs[key]), unit))
            for key, (name, unit) in self.measures.items()
            if key in logs
        ]
        evaluation = self.evaluated()
        if evaluation is not None:
            figures += [f"test {figure}" for figure in evaluation.figures.values()]
        speed = self.speed()
        left = (self.epochs - epoch - 1) * self.steps_per_epoch * self.batch_size / speed if speed else 0.0
        self._say(
            f"epoch {epoch + 1}/{self.epochs} {', '.join(figures)}, {speed:.0f} images/s, {duration(left)} left"
        )
        self.offset = 0

    def close(self) -> None:
        """Removes the bar, also after an error."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def speed(self) -> float:
        """Images a second of training in the epochs that this process finished."""
        return self.steps_here * self.batch_size / self.seconds_here if self.seconds_here else 0.0

    def _status(self, steps: int, now: float, logs: dict[str, Any]) -> str:
        elapsed = self.seconds_here + now - self.begun
        made = self.steps_here + steps
        left = (self.epochs - self.epoch) * self.steps_per_epoch - self.offset - steps
        rate = made / elapsed if elapsed else 0.0
        loss = f"loss {float(keras.ops.convert_to_numpy(logs['loss'])):.4f}, " if "loss" in logs else ""
        return f"{loss}{rate * self.batch_size:.0f} images/s, {duration(left / rate) if rate else '?'} left"

    def _say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

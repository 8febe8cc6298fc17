"""The loop of every run, whichever library trains: data, `fit` with its callbacks, resuming, stopping when asked."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import rich.console

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset
from tformer_keras.tasks.classification import Evaluation
from tformer_keras.training.callbacks import Checkpointing, Evaluating, Progressed, StopRequests, tensorboard
from tformer_keras.training.checkpoint import Checkpoint, load_checkpoint
from tformer_keras.training.distribution import Cluster, agree, any_of, from_first
from tformer_keras.training.framework import Framework
from tformer_keras.training.limited_loader import LimitedLoader, naming_file
from tformer_keras.training.progress import Progress
from tformer_keras.training.run_folder import LoopJob
from tformer_keras.training.variables import assign_arrays, to_arrays

# Steps between questions to the other processes whether one of them was asked to stop: each waits for all.
ASK_EVERY = 10


class Loop:
    """A run's data and progress, and the steps that the loop consists of.

    What the framework decides is left to a subclass: `set_phase`, which makes `trainer` (a compiled model) for the
    epochs up to `phase_end`, and `groups`, `evaluate`, `extra` and `restored`.
    """

    trainer: Any
    phase_end: int

    def __init__(
        self,
        job: LoopJob,
        framework: Framework,
        cluster: Cluster,
        dataset: Dataset,
        preprocessing: Preprocessing,
        say: Callable[[str], None],
    ) -> None:
        self.settings, self.framework, self.cluster = job, framework, cluster
        self.dataset, self.preprocessing, self.say = dataset, preprocessing, say
        recipe = job.recipe
        framework.check(recipe)
        classes = len(dataset.class_names)
        shard = (cluster.index, cluster.processes)
        self.loader = LimitedLoader(
            dataset.train,
            preprocessing,
            recipe.batch_size,
            seed=job.seed,
            shuffle=True,
            augmentation=recipe.augmentation,
            classes=classes,
            shard=shard,
        )
        self.test_loader = LimitedLoader(
            dataset.test,
            preprocessing,
            recipe.batch_size,
            seed=job.seed,
            shuffle=False,
            classes=classes,
            shard=shard,
        )
        self.loader.limit = self.test_loader.limit = job.limit_steps
        self.steps_per_epoch = self.loader.steps_per_epoch
        self.progressed = Progressed()
        self.metrics: dict[str, np.ndarray] | None = None

    def set_phase(self, epoch: int) -> None:
        """Makes `trainer` and `phase_end` for the epochs from `epoch` on."""
        raise NotImplementedError

    def groups(self) -> dict[str, list[keras.Variable]]:
        """All that a step changes, by group."""
        raise NotImplementedError

    def evaluate(self) -> Evaluation:
        """Evaluates the weights as they are on the test images."""
        raise NotImplementedError

    def extra(self) -> Mapping[str, Any]:
        """JSON data that a checkpoint keeps beside the progress."""
        return {}

    def restored(self, state: Mapping[str, Any]) -> dict[str, list[keras.Variable]]:
        """The groups to take from a checkpoint with `state`; the phase of its epoch is set."""
        return self.groups()

    def resume(self) -> None:
        """Goes on from the newest checkpoint, if there is one."""
        loaded: list[Checkpoint | None] = []

        def read() -> bytes:
            loaded.append(load_checkpoint(self.settings.out / "checkpoints", self.say))
            return json.dumps(None if loaded[0] is None else loaded[0].state).encode()

        state = json.loads(agree(self.cluster, read))
        if state is None:
            return
        self.progressed = Progressed(state["epoch"], state["step"], state["seconds"], state["history"])
        # After the last epoch the last phase's averages are what the finished model is made of.
        self.set_phase(min(self.progressed.epoch, self.settings.recipe.epochs - 1))
        groups = self.restored(state)
        if loaded and loaded[0] is not None:
            arrays = {name: array for name, array in loaded[0].arrays.items() if name.split("/")[0] in groups}
            metrics = {name: array for name, array in loaded[0].arrays.items() if name.startswith("metrics/")}
            assign_arrays(groups, arrays)
        else:
            metrics = {}
        if self.cluster.processes > 1:
            assign_arrays(groups, from_first(self.cluster, to_arrays(groups)))
            # Averages over the epoch are only shown: the other processes begin them where process 0 does.
            metrics = {}
        if metrics:
            # Keras makes the metrics' variables with the first batch; this one changes nothing else.
            batch = self.settings.recipe.batch_size
            self.trainer.test_on_batch(
                np.zeros((batch, *self.preprocessing.input_size, 3), np.float32),
                np.eye(len(self.dataset.class_names), dtype=np.float32)[[0] * batch],
            )
            self.metrics = metrics
        self.say(f"resuming after epoch {self.progressed.epoch} and {self.progressed.step} steps")

    def fit(self, stop: StopRequests, console: rich.console.Console) -> Evaluation | None:
        """Trains to the end; returns the last evaluation, when it was made here."""
        recipe = self.settings.recipe
        evaluating = Evaluating(self.evaluate, recipe.evaluate_every, recipe.epochs)
        while self.progressed.epoch < recipe.epochs:
            epoch, step = self.progressed.epoch, self.progressed.step
            if epoch >= self.phase_end:
                self.set_phase(epoch)
            # In the middle of an epoch: first what is left of it, then the whole epochs.
            end = epoch + 1 if step else self.phase_end
            checkpointing = Checkpointing(
                self.settings.out / "checkpoints" if self.cluster.writes else None,
                self.progressed,
                self.groups,
                self.steps_per_epoch,
                self.extra(),
                self.settings.checkpoint_minutes,
                lambda: any_of(self.cluster, stop.asked),
                1 if self.cluster.processes == 1 else ASK_EVERY,
                self.metrics,
            )
            self.metrics = None
            progress = Progress(console, recipe.epochs, self.steps_per_epoch, recipe.batch_size, step)
            callbacks = [self.framework.callback(hooks) for hooks in (evaluating, checkpointing)]
            if self.cluster.writes:
                callbacks.append(self.framework.callback(progress))
                if self.settings.tensorboard:
                    callbacks.append(tensorboard(self.framework.library, self.settings.out / "tensorboard"))
            try:
                with naming_file(self.loader):
                    self.trainer.fit(
                        self.loader.stream(epoch, step),
                        initial_epoch=epoch,
                        epochs=end,
                        steps_per_epoch=self.steps_per_epoch - step,
                        callbacks=callbacks,
                        verbose=0,
                        shuffle=False,  # the loader has shuffled
                    )
            finally:
                progress.close()
        return evaluating.last

"""The loop of every run, whichever library trains: data, `fit` with its callbacks, resuming, stopping when asked."""

import contextlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import rich.console

from tformer_edge.files import cannot_write
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.loader import Loader, naming_file
from tformer_keras.tasks import TASKS
from tformer_keras.tasks.sheet import Evaluated
from tformer_keras.tasks.task import Evaluation, Judge, Run, Task, evaluate
from tformer_keras.training import report
from tformer_keras.training.callbacks import Checkpointing, Evaluating, Progressed, StopRequests, tensorboard
from tformer_keras.training.checkpoint import Checkpoint, load_checkpoint
from tformer_keras.training.distribution import Cluster, agree, any_of, from_first, gathered
from tformer_keras.training.finite import StopWhereNotFinite, check_finite
from tformer_keras.training.framework import Framework
from tformer_keras.training.progress import Progress
from tformer_keras.training.run_folder import LoopJob, begun, check_folder, locked
from tformer_keras.training.variables import assign_arrays, check_arrays, to_arrays

# Steps between questions to the other processes whether one of them was asked to stop: each waits for all.
ASK_EVERY = 10

Say = Callable[[str], None]


def speaker(console: rich.console.Console, cluster: Cluster = Cluster()) -> Say:
    """A function that prints a line, on the process that writes."""

    def say(text: str) -> None:
        if cluster.writes:
            console.print(text, markup=False, highlight=False, soft_wrap=True)

    return say


def finished(job: LoopJob, record: Mapping[str, Any], cluster: Cluster, say: Say) -> dict[str, Any] | None:
    """The report of the run in the job's folder, if it is this job's and finished, else None.

    Raises:
        UserError: the folder holds a run with other settings.
    """
    result = json.loads(agree(cluster, lambda: check_folder(job, record)))
    if result:
        say(f"the run in {job.out} is finished; see {job.out / 'report.json'}, or choose another --out")
    return result or None


class Loop:
    """A run's data and progress, and the steps that the loop consists of.

    What the framework decides is left to a subclass: `set_phase`, which makes `trainer` (a compiled model) for the
    epochs up to `phase_end`, and `groups`, `run_and_meaning`, `extra`, `restored` and `finish`.
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
        say: Say,
        model: keras.Model,
    ) -> None:
        self.job: Any = job
        self.framework, self.cluster = framework, cluster
        self.dataset, self.preprocessing, self.say = dataset, preprocessing, say
        recipe = job.recipe
        self.task = self.task_of(model)
        framework.check(recipe)

        def loader(split: Any, task: Task, **options: Any) -> Loader:
            return Loader(
                split,
                preprocessing,
                recipe.batch_size,
                seed=job.seed,
                task=task,
                classes=len(dataset.class_names),
                shard=(cluster.index, cluster.processes),
                limit=job.limit_steps,
                processes=job.workers,
                **options,
            )

        self.loader = loader(dataset.train, self.task, shuffle=True, augmentation=recipe.augmentation)
        self.test_loader = loader(dataset.test, self.task.judging(dataset.test), shuffle=False)
        self.steps_per_epoch = self.loader.steps_per_epoch
        self.ask_every = 1 if cluster.processes == 1 else ASK_EVERY
        self.progressed = Progressed()
        self.metrics: Mapping[str, np.ndarray] | None = None
        self.stop = StopRequests()

    def task_of(self, model: keras.Model) -> Any:
        """The recipe's task, bound to the model's outputs and the training split."""
        return TASKS[self.job.recipe.task].of(model, self.dataset.train, self.job.recipe)

    def set_phase(self, epoch: int) -> None:
        """Makes `trainer` and `phase_end` for the epochs from `epoch` on."""
        raise NotImplementedError

    def groups(self) -> dict[str, list[keras.Variable]]:
        """All that a step changes, by group."""
        raise NotImplementedError

    def run_and_judge(self) -> tuple[Run, Judge]:
        """The model, with the weights as they are, as a function of images; and a new judge of its outputs."""
        raise NotImplementedError

    def finish(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Saves the model and writes the report, which it returns."""
        raise NotImplementedError

    def begin(self) -> None:
        """After the folder is made and before the newest checkpoint is read."""

    def extra(self) -> Mapping[str, Any]:
        """JSON data that a checkpoint keeps beside the progress."""
        return {}

    def restored(self, state: Mapping[str, Any]) -> dict[str, list[keras.Variable]]:
        """The groups to take from a checkpoint with `state`; the phase of its epoch is set."""
        return self.groups()

    def stopping(self) -> bool:
        """Whether any process was asked to stop."""
        return any_of(self.cluster, self.stop.asked)

    def check(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Raises Diverged for arrays that are not finite."""
        check_finite(arrays, self.progressed)

    def run(self, record: Mapping[str, Any], console: rich.console.Console) -> dict[str, Any]:
        """The whole run, from config.json (`record`) to the report, which it returns.

        Raises:
            Stop: the run was asked to stop; its checkpoint is saved.
        """
        if not self.cluster.writes:
            return self._run(console)
        try:
            self.job.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.job.out, error) from error
        with locked(self.job.out):
            if not begun(self.job.out):  # what a run was begun with stays
                report.write_json(self.job.out / "config.json", record)
            return self._run(console)

    def _run(self, console: rich.console.Console) -> dict[str, Any]:
        with contextlib.closing(self.loader), contextlib.closing(self.test_loader):
            with self.stop:
                self.begin()
                self.resume()
                evaluation = self.fit(console)
            return self.finish(evaluation)

    def evaluate(self) -> Evaluation:
        """Evaluates the weights as they are on the test images, of which each process takes its share."""
        run, judge = self.run_and_judge()
        loader = self.test_loader
        with naming_file(loader):
            evaluation = evaluate(run, loader.stream(epochs=1), judge)
        if self.cluster.processes == 1:
            return evaluation
        _, whole = self.run_and_judge()
        for state in gathered(self.cluster, judge.state()):
            whole.merge(state)
        return whole.result()

    def evaluated(self) -> Evaluated:
        """The images of `evaluate`, in the order of its result."""
        return Evaluated(self.dataset.test, self.test_loader.evaluated())

    def resume(self) -> None:
        """Goes on from the newest checkpoint, if there is one."""
        loaded: list[Checkpoint | None] = []

        def read() -> bytes:
            loaded.append(load_checkpoint(self.job.out / "checkpoints", self.say))
            return json.dumps(None if loaded[0] is None else loaded[0].state).encode()

        state = json.loads(agree(self.cluster, read))
        if state is None:
            return
        self.progressed = Progressed(state["epoch"], state["step"], state["seconds"], state["history"])
        # After the last epoch the last phase's averages are what the finished model is made of.
        self.set_phase(min(self.progressed.epoch, self.job.recipe.epochs - 1))
        groups = self.restored(state)
        # To assign is a collective of all processes on JAX, so the arrays reach them all before any of them assigns.
        arrays = to_arrays(groups) if self.cluster.processes > 1 else {}
        if loaded and loaded[0] is not None:
            parts = {name: array for name, array in loaded[0].arrays.items() if name.split("/")[0] in groups}
            check_arrays(groups, parts)
            arrays |= parts
            metrics = {name: array for name, array in loaded[0].arrays.items() if name.startswith("metrics/")}
            self.metrics = metrics or None
        assign_arrays(groups, from_first(self.cluster, arrays))
        if self.cluster.processes > 1:
            # Averages over the epoch are only shown: the other processes begin them where process 0 does.
            self.metrics = None
        self.say(f"resuming after epoch {self.progressed.epoch} and {self.progressed.step} steps")

    def fit(self, console: rich.console.Console) -> Evaluation | None:
        """Trains to the end; returns the last evaluation, when it was made here."""
        recipe = self.job.recipe
        evaluating = Evaluating(self.evaluate, recipe.evaluate_every, recipe.epochs)
        while self.progressed.epoch < recipe.epochs:
            epoch, step = self.progressed.epoch, self.progressed.step
            if epoch >= self.phase_end:
                self.set_phase(epoch)
            progress = Progress(
                console,
                recipe.epochs,
                self.steps_per_epoch,
                recipe.batch_size,
                self.task.measures,
                step,
                lambda: evaluating.last,
            )
            hooks = [
                StopWhereNotFinite(self.progressed),
                evaluating,
                Checkpointing(self),
                *([progress] if self.cluster.writes else []),
            ]
            callbacks = [self.framework.callback(one) for one in hooks]
            if self.cluster.writes and self.job.tensorboard:
                callbacks.append(tensorboard(self.framework.library, self.job.out / "tensorboard"))
            try:
                with naming_file(self.loader):
                    self.trainer.fit(
                        self.loader.stream(epoch, step),
                        initial_epoch=epoch,
                        # In the middle of an epoch: first what is left of it, then the whole epochs.
                        epochs=epoch + 1 if step else self.phase_end,
                        steps_per_epoch=self.steps_per_epoch - step,
                        callbacks=callbacks,
                        verbose=0,
                        shuffle=False,  # the loader has shuffled
                    )
            finally:
                progress.close()
        return evaluating.last

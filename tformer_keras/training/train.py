"""The one training loop: `compile`, `fit` with callbacks, and a run folder that can be gone on with."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import rich.console

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset, load_dataset
from tformer_keras.tasks.classification import (
    Evaluation,
    classification_loss,
    evaluate,
    make_evaluator,
    training_metrics,
)
from tformer_keras.training import distillation, report
from tformer_keras.training.averaged_weights import use_average
from tformer_keras.training.callbacks import Checkpointing, Evaluating, Progressed, StopRequests, tensorboard
from tformer_keras.training.checkpoint import Checkpoint, load_checkpoint
from tformer_keras.training.compiling import compile_option
from tformer_keras.training.distribution import Cluster, agree, any_of, from_first
from tformer_keras.training.limited_loader import LimitedLoader, naming_file
from tformer_keras.training.model import build_model, head_of, load_weights, model_config
from tformer_keras.training.optimizer import build_optimizer
from tformer_keras.training.progress import Progress
from tformer_keras.training.recipe import plain
from tformer_keras.training.run_folder import Job, begun, check_folder, make_record
from tformer_keras.training.variables import assign_arrays, to_arrays

# Steps between questions to the other processes whether one of them was asked to stop: each waits for all.
ASK_EVERY = 10


def train(job: Job, console: rich.console.Console, cluster: Cluster = Cluster()) -> dict[str, Any]:
    """Trains, or goes on with, the run in `job.out`, and returns its report.

    Raises:
        UserError: a mistake in the job or the data, or the folder holds a run of another job.
        Stop: the run was asked to stop; its checkpoint is saved.
    """
    if job.recipe.mixed_precision is None:
        return _train(job, console, cluster)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{job.recipe.mixed_precision}")
    try:
        return _train(job, console, cluster)
    finally:
        keras.config.set_dtype_policy(before)


def _train(job: Job, console: rich.console.Console, cluster: Cluster) -> dict[str, Any]:
    recipe = job.recipe

    def say(text: str) -> None:
        if cluster.writes:
            console.print(text, markup=False, highlight=False, soft_wrap=True)

    cluster.check_batch(recipe.batch_size)
    dataset = load_dataset(job.data, seed=job.seed, skip_unreadable=job.skip_unreadable)
    for skipped in dataset.skipped:
        say(f"skipped {skipped}")
    config = model_config(job.model, recipe.input_size, len(dataset.class_names), recipe.model_arguments)
    if None in config.input_shape:
        raise UserError(
            f"expected a fixed input size, received {config.input_shape}; give it with --input-size"
        )
    preprocessing = recipe.preprocessing((int(config.input_shape[0] or 0), int(config.input_shape[1] or 0)))
    record = make_record(job, dataset, plain(dataclasses.asdict(config)), preprocessing)
    finished = json.loads(agree(cluster, lambda: check_folder(job, record)))
    if finished:
        say(f"the run in {job.out} is finished; see {job.out / 'report.json'}, or choose another --out")
        return dict(finished)

    keras.utils.set_random_seed(job.seed)
    model = build_model(job.model, config)
    if job.weights is not None:
        load_weights(model, job.weights)
    run = Run(job, cluster, dataset, model, preprocessing, say)
    say(
        f"{job.model} with {model.count_params():,} parameters on {dataset.name}: {len(dataset.train.names)} training "
        f"and {len(dataset.test.names)} test images of {len(dataset.class_names)} classes, "
        f"{run.steps_per_epoch} steps an epoch, {recipe.epochs} epochs, {keras.backend.backend()} backend"
    )
    if cluster.writes and not begun(job.out):  # what a run was begun with stays
        job.out.mkdir(parents=True, exist_ok=True)
        report.write_json(job.out / "config.json", record)
    with StopRequests() as stop:
        run.resume()
        evaluation = run.fit(stop, console)
    return run.finish(evaluation)


class Run:
    """A run's model, data and progress, and the steps that the loop consists of."""

    def __init__(
        self,
        job: Job,
        cluster: Cluster,
        dataset: Dataset,
        model: keras.Model,
        preprocessing: Preprocessing,
        say: Callable[[str], None],
    ) -> None:
        self.job, self.cluster, self.dataset, self.model, self.say = job, cluster, dataset, model, say
        recipe = job.recipe
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
        self.teacher = None if job.teacher is None else distillation.load_teacher(job.teacher, model)
        self.jit_compile = compile_option(job.xla)
        self.evaluator = make_evaluator(model, classes, self.jit_compile)
        self.progressed = Progressed()
        self.metrics: dict[str, np.ndarray] | None = None
        self._set_phase(0)

    def _set_phase(self, epoch: int) -> None:
        """Makes the model and the optimizer to train with from `epoch` on: the head alone, or everything."""
        recipe = self.job.recipe
        self.frozen = epoch < recipe.frozen_epochs
        head = head_of(self.model)
        for layer in self.model.layers:
            layer.trainable = not self.frozen or layer in head
        self.phase_end = recipe.frozen_epochs if self.frozen else recipe.epochs
        if self.teacher is None:
            self.trainer = keras.Model(self.model.inputs, self.model.outputs[0], name="trainer")
        else:
            self.trainer = distillation.make_distiller(
                self.model, self.teacher, self.job.distillation, recipe
            )
        begin = 0 if self.frozen else recipe.frozen_epochs
        optimizer = build_optimizer(
            recipe,
            self.trainer.trainable_variables,
            self.steps_per_epoch,
            self.phase_end - begin,
            frozen=self.frozen,
        )
        self.trainer.compile(
            optimizer=optimizer,
            loss=classification_loss(recipe.label_smoothing),
            metrics=training_metrics(len(self.dataset.class_names)),
            jit_compile=self.jit_compile,
        )

    def groups(self) -> dict[str, list[keras.Variable]]:
        """All that a step changes, by group."""
        return {"model": self.model.variables, "optimizer": self.trainer.optimizer.variables}

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
        self._set_phase(min(self.progressed.epoch, self.job.recipe.epochs - 1))
        groups = self.groups()
        if state["frozen"] != self.frozen:
            del groups[
                "optimizer"
            ]  # the checkpoint ends a phase; the next one begins with an optimizer of its own
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
            images = np.zeros((self.job.recipe.batch_size, *self.model.input_shape[1:]), np.float32)
            self.trainer.test_on_batch(
                images,
                np.eye(len(self.dataset.class_names), dtype=np.float32)[[0] * self.job.recipe.batch_size],
            )
            self.metrics = metrics
        self.say(f"resuming after epoch {self.progressed.epoch} and {self.progressed.step} steps")

    def evaluate(self) -> Evaluation:
        """Evaluates the weights as they are on the test images."""
        loader = self.test_loader
        with naming_file(loader):
            return evaluate(
                self.evaluator, loader.stream(epochs=1), loader.steps_per_epoch, self.dataset.class_names
            )

    def fit(self, stop: StopRequests, console: rich.console.Console) -> Evaluation | None:
        """Trains to the end; returns the last evaluation, when it was made here."""
        recipe = self.job.recipe
        evaluating = Evaluating(self.evaluate, recipe.evaluate_every, recipe.epochs)
        while self.progressed.epoch < recipe.epochs:
            epoch, step = self.progressed.epoch, self.progressed.step
            if epoch >= self.phase_end:
                self._set_phase(epoch)
            # In the middle of an epoch: first what is left of it, then the whole epochs.
            end = epoch + 1 if step else self.phase_end
            checkpointing = Checkpointing(
                self.job.out / "checkpoints" if self.cluster.writes else None,
                self.progressed,
                self.groups,
                self.steps_per_epoch,
                {"frozen": self.frozen},
                self.job.checkpoint_minutes,
                lambda: any_of(self.cluster, stop.asked),
                1 if self.cluster.processes == 1 else ASK_EVERY,
                self.metrics,
            )
            self.metrics = None
            callbacks: list[keras.callbacks.Callback] = [evaluating, checkpointing]
            progress = Progress(console, recipe.epochs, self.steps_per_epoch, recipe.batch_size, step)
            if self.cluster.writes:
                callbacks.append(progress)
                if self.job.tensorboard:
                    callbacks.append(tensorboard(self.job.out / "tensorboard"))
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

    def finish(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Puts the averaged weights in, saves the model and writes the report."""
        use_average(self.trainer.optimizer)
        evaluation = evaluation or self.evaluate()
        result = {
            "finished": True,
            "model": self.job.model,
            "data": self.job.data,
            "recipe": self.job.recipe.name,
            "parameters": self.model.count_params(),
            "epochs": self.job.recipe.epochs,
            "seconds": round(self.progressed.seconds, 1),
            "evaluation": evaluation.to_json(),
            "limit_steps": self.job.limit_steps,
        }
        if self.cluster.writes:
            for layer in self.model.layers:
                layer.trainable = True
            report.write_run(self.job.out, self.model, self.progressed.history, evaluation, result)
            self.say(f"{report.table(evaluation)}\nsaved in {self.job.out}")
        return result

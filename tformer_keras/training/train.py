"""Training in Keras 3: the model, its optimizer and its phases, put into the one loop."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import rich.console

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.load import load_dataset
from tformer_keras.tasks import TASKS
from tformer_keras.tasks.task import Evaluation, Judge, Run
from tformer_keras.training import distillation, report
from tformer_keras.training.averaged_weights import use_average
from tformer_keras.training.compiling import compile_option
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.forward import forward
from tformer_keras.training.framework import KERAS
from tformer_keras.training.loop import Loop, Say, finished, speaker
from tformer_keras.training.model import build_model, copy_weights, model_config
from tformer_keras.training.optimizer import build_optimizer
from tformer_keras.training.recipe import plain
from tformer_keras.training.run_folder import Job, make_record
from tformer_keras.training.trainer import Trainer


def train(
    job: Job, console: rich.console.Console, cluster: Cluster = Cluster(), dataset: Dataset | None = None
) -> dict[str, Any]:
    """Trains, or goes on with, the run in `job.out`, and returns its report.

    Args:
        job: what is asked.
        console: where to speak.
        cluster: this process' place.
        dataset: the job's, where it has been loaded already.

    Raises:
        UserError: a mistake in the job or the data, or the folder holds a run of another job.
        Stop: the run was asked to stop; its checkpoint is saved.
    """
    if job.recipe.mixed_precision is None:
        return _train(job, console, cluster, dataset)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{job.recipe.mixed_precision}")
    try:
        return _train(job, console, cluster, dataset)
    finally:
        keras.config.set_dtype_policy(before)


def _train(
    job: Job, console: rich.console.Console, cluster: Cluster, dataset: Dataset | None
) -> dict[str, Any]:
    recipe, say = job.recipe, speaker(console, cluster)
    cluster.check_batch(recipe.batch_size)
    if dataset is None:
        dataset = load_dataset(job.data, seed=job.seed, skip_unreadable=job.skip_unreadable)
    if dataset.left_out:
        say(dataset.left_out)
    for skipped in dataset.skipped:
        say(f"skipped {skipped}")
    if dataset.task != recipe.task:
        raise UserError(
            f"data for {recipe.task}, which the recipe {recipe.name} trains",
            f"data for {dataset.task} in {job.data}",
            "give another --recipe, or leave it out",
        )
    config = model_config(job.model, recipe.input_size, len(dataset.class_names), recipe.model_arguments)
    if None in config.input_shape:
        raise UserError("a fixed input size", str(config.input_shape), "give it with --input-size")
    preprocessing = recipe.preprocessing((int(config.input_shape[0] or 0), int(config.input_shape[1] or 0)))
    record = make_record(
        job,
        dataset,
        preprocessing,
        {"name": job.model, "config": plain(dataclasses.asdict(config))},
        {
            "model": job.model,
            "weights": job.weights,
            "teacher": job.teacher,
            "distillation": job.distillation if job.teacher else None,
        },
        {"xla": job.xla},
    )
    done = finished(job, record, cluster, say)
    if done is not None:
        return done

    keras.utils.set_random_seed(job.seed)
    model = build_model(job.model, config)
    if job.weights is not None:
        copy_weights(model, config, job.weights, TASKS[recipe.task])
    run = KerasRun(job, cluster, dataset, model, preprocessing, say)
    say(
        f"{job.model} with {model.count_params():,} parameters on {dataset.name}: {len(dataset.train.names)} training "
        f"and {len(dataset.test.names)} test images of {len(dataset.class_names)} classes, "
        f"{run.steps_per_epoch} steps an epoch, {recipe.epochs} epochs, {keras.backend.backend()} backend"
    )
    return run.run(record, console)


class KerasRun(Loop):
    """A run of a Keras 3 model."""

    def __init__(
        self,
        job: Job,
        cluster: Cluster,
        dataset: Dataset,
        model: keras.Model,
        preprocessing: Preprocessing,
        say: Say,
    ) -> None:
        super().__init__(job, KERAS, cluster, dataset, preprocessing, say, model)
        self.model = model
        self.teacher = (
            None if job.teacher is None else distillation.load_teacher(job.teacher, model, self.task)
        )
        self.jit_compile = compile_option(job.xla)
        self.forward = forward(model, self.jit_compile, cluster)
        self.set_phase(0)

    def set_phase(self, epoch: int) -> None:
        """Makes the model and the optimizer to train with from `epoch` on: the head alone, or everything."""
        recipe = self.job.recipe
        self.frozen = epoch < recipe.frozen_epochs
        head = self.task.head_layers(self.model)
        for layer in self.model.layers:
            layer.trainable = not self.frozen or layer in head
        self.phase_end = recipe.frozen_epochs if self.frozen else recipe.epochs
        self.trainer = Trainer(self.model, self.task, recipe, self.teacher, self.job.distillation)
        begin = 0 if self.frozen else recipe.frozen_epochs
        optimizer = build_optimizer(
            recipe,
            self.trainer.trainable_variables,
            self.steps_per_epoch,
            self.phase_end - begin,
            frozen=self.frozen,
        )
        self.trainer.compile(optimizer=optimizer, jit_compile=self.jit_compile)

    def groups(self) -> dict[str, list[keras.Variable]]:
        """All that a step changes, by group."""
        return {"model": self.model.variables, "optimizer": self.trainer.optimizer.variables}

    def extra(self) -> Mapping[str, Any]:
        """Whether this is the phase in which only the head is trained."""
        return {"frozen": self.frozen}

    def restored(self, state: Mapping[str, Any]) -> dict[str, list[keras.Variable]]:
        """All groups; but a checkpoint that ends a phase is followed by one with an optimizer of its own."""
        groups = self.groups()
        if state["frozen"] != self.frozen:
            del groups["optimizer"]
        return groups

    def run_and_judge(self) -> tuple[Run, Judge]:
        """The model as it is, and a new judge."""
        return self.forward, self.task.judge(self.dataset.class_names, self.task.meaning(self.model))

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
            report.save_model(self.job.out, self.model)
            report.write_run(self.job.out, self.progressed.history, evaluation, self.evaluated(), result)
            self.say(f"{evaluation.table()}\nsaved in {self.job.out}")
        return result

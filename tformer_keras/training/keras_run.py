"""A run in Keras 3: the model, its optimizer and its phases, put into the one loop."""

from collections.abc import Mapping
from typing import Any

import keras

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset
from tformer_keras.tasks.task import Evaluation, Judge, Run
from tformer_keras.training import distillation, report
from tformer_keras.training.averaged_weights import use_average
from tformer_keras.training.compiling import compile_option
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.forward import forward
from tformer_keras.training.framework import KERAS
from tformer_keras.training.loop import Loop, Say
from tformer_keras.training.optimizer import build_optimizer
from tformer_keras.training.run_folder import Job
from tformer_keras.training.trainer import Trainer


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
        self.teacher = distillation.load_teacher(job.teachers, model, self.task) if job.teachers else None
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
            self.save(evaluation)
            report.write_run(self.job.out, self.progressed.history, evaluation, self.evaluated(), result)
            self.say(f"{evaluation.table()}\nsaved in {self.job.out}")
        return result

    def save(self, evaluation: Evaluation) -> None:
        """Writes the finished model, or models, into the run's folder."""
        report.save_model(self.job.out, self.model)

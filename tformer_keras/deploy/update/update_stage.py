"""The trainings of an update: each from the deployed weights, with the ranges as they are, under a mask of its own."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import rich.console

from tformer_keras.data.dataset import Dataset
from tformer_keras.deploy.int8.masked_trainer import MaskedTrainer
from tformer_keras.deploy.int8.quantized_file import ARRAYS_FILE, read_arrays, write_arrays
from tformer_keras.deploy.int8.quantized_forward import PROBABILITY_STEP, logits_network, quantized_forward
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.deploy.int8.tf_keras_framework import TF_KERAS, named
from tformer_keras.deploy.int8.weight_grid import weight_grids
from tformer_keras.deploy.update.moving_weights import Masks
from tformer_keras.deploy.update.update_job import UpdateJob, stage_record
from tformer_keras.tasks.task import Evaluation, Judge, Run
from tformer_keras.training import report
from tformer_keras.training.averaged_weights import use_average
from tformer_keras.training.callbacks import Progressed
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.loop import Loop, Say
from tformer_keras.training.optimizer import build_optimizer
from tformer_keras.training.run_folder import check_folder
from tformer_keras.training.saved_model import Trained

SCORES_FILE = "scores.npz"


class UpdateStages(Loop):
    """All trainings of one update, compiled once, one after the other: `train` runs one, in a folder of its own.

    Args:
        job: its `out` is the update's folder.
        trained: the source model, as people named it.
        quantized: the deployed model; its weights are what each training starts from.
    """

    def __init__(
        self, job: UpdateJob, trained: Trained, quantized: QuantizedModel, dataset: Dataset, say: Say
    ) -> None:
        super().__init__(job, TF_KERAS, Cluster(), dataset, trained.preprocessing, say, trained.model)
        self.whole, self.trained = job, trained
        self.quantized, self.start = quantized, quantized.weights
        self.masks: Masks = []
        self.meaning = self.task.meaning(trained.model)
        self.forward = quantized_forward(quantized)
        self.phase_end = job.recipe.epochs
        quantized.freeze_ranges()
        variables = quantized.trained_variables
        self.trainer = MaskedTrainer(
            logits_network(quantized, self.meaning),
            variables,
            self.task,
            job.recipe,
            grids=weight_grids(quantized),
        )
        self.optimizer = build_optimizer(
            job.recipe, variables, self.steps_per_epoch, job.recipe.epochs, framework=TF_KERAS
        )
        self.trainer.compile(optimizer=self.optimizer, jit_compile=False)
        self.fresh = [variable.numpy() for variable in self.optimizer.variables]

    def train(
        self, name: str, moves: float | str, masks: Masks, console: rich.console.Console
    ) -> dict[str, Any]:
        """Trains, or goes on with, the stage in the folder `name`; the model then holds its weights.

        Args:
            moves: what its record says of `masks`: the share of all weights, or "head".

        Returns:
            Its report, with "evaluation" and "headline".

        Raises:
            UserError: the folder holds a training with other settings.
            Stop: the run was asked to stop; its checkpoint is saved.
        """
        self.job = dataclasses.replace(self.whole, out=self.whole.stage(name))
        self.masks, self.progressed, self.metrics = masks, Progressed(), None
        record = stage_record(self.job, self.trained, self.dataset, self.start, moves)
        done: dict[str, Any] | None = json.loads(check_folder(self.job, record))
        if done is None:
            self.say(f"training {name}, {sum(int(mask.sum()) for mask in masks):,} weights may move")
            done = self.run(record, console)
        self.quantized.weights = self.weights_of(name)
        return done

    def weights_of(self, name: str) -> dict[str, np.ndarray]:
        """The weights that a finished stage ended with."""
        return read_arrays(self.whole.stage(name) / ARRAYS_FILE)[1]

    def scores_of(self, name: str) -> list[np.ndarray]:
        """How much each weight mattered in a finished stage, one array for each variable that trains.

        |change| · root of the sum of its squared gradients: of the order of what its change did to the loss, for
        kernels and biases alike.
        """
        return self.quantized.scattered(read_arrays(self.whole.stage(name) / SCORES_FILE)[1])

    def set_phase(self, epoch: int) -> None:
        """There is one phase."""

    def begin(self) -> None:
        """Everything as it was before the first step."""
        self.trainer.begin(self.masks)
        for variable, value in zip(self.optimizer.variables, self.fresh, strict=True):
            variable.assign(value)

    def groups(self) -> Mapping[str, list[keras.Variable]]:  # type: ignore[override]
        """All that a step changes, by group."""
        return {
            "model": named(self.quantized.trained_variables),
            "optimizer": named(self.optimizer.variables),
            "squares": named(self.trainer.squares()),
        }

    def run_and_judge(self) -> tuple[Run, Judge]:
        """The quantized model as it is, and a new judge."""
        return self.forward, self.task.judge(self.dataset.class_names, self.meaning, PROBABILITY_STEP)

    def finish(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Writes the weights and the report; the checkpoints have served."""
        use_average(self.optimizer)
        self.trainer.hold()  # averages round
        evaluation = evaluation or self.evaluate()
        self.quantized.weights_file(self.job.out / ARRAYS_FILE)
        self._write_scores(self.job.out / SCORES_FILE)
        result = {
            "finished": True,
            "evaluation": evaluation.to_json(),
            "headline": dataclasses.asdict(evaluation.headline),
            "seconds": round(self.progressed.seconds, 1),
        }
        report.write_run(self.job.out, self.progressed.history, evaluation, self.evaluated(), result)
        for path in (self.job.out / "checkpoints").glob("step-*.npz"):
            path.unlink()
        return result

    def _write_scores(self, path: Path) -> None:
        before = self.quantized.scattered(self.start)
        parts = zip(self.quantized.trained_variables, before, self.trainer.squares(), strict=True)
        scores = [
            np.abs(variable.numpy() - start) * np.sqrt(square.numpy()) for variable, start, square in parts
        ]
        options = {"target": self.quantized.target, "rewrites": list(self.quantized.rewrites)}
        write_arrays(path, options, self.quantized.gathered(scores), {})

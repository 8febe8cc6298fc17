"""Quantization-aware training: calibrates the device graph of a float model, then trains it with the core's loop."""

import fnmatch
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import rich.console
import tensorflow as tf

from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.loader import Loader
from tformer_keras.deploy.int8.quantize_job import FloatModel, QuantizeJob, check_out, quantize_record
from tformer_keras.deploy.int8.quantized_model import QuantizedModel, quantize_aware
from tformer_keras.deploy.int8.quantized_scores import logits_network, scores_of
from tformer_keras.deploy.int8.quantized_trainer import QuantizedTrainer
from tformer_keras.deploy.int8.tf_keras_framework import TF_KERAS, named
from tformer_keras.tasks.classification import (
    Evaluation,
    evaluate,
    evaluate_scores,
    make_evaluator,
)
from tformer_keras.training import distillation, report
from tformer_keras.training.averaged_weights import use_average
from tformer_keras.training.callbacks import StopRequests
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.limited_loader import naming_file
from tformer_keras.training.loop import Loop
from tformer_keras.training.optimizer import build_optimizer
from tformer_keras.training.run_folder import begun, check_folder


def quantize(
    job: QuantizeJob, source: FloatModel, dataset: Dataset, console: rich.console.Console
) -> dict[str, Any]:
    """Quantizes, or goes on with, the run in `job.out`, and returns its report.

    Raises:
        UserError: a mistake in the job, the model or the data, or the folder holds something else.
        Stop: the run was asked to stop; its checkpoint is saved.
    """

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    check_out(job.out)
    for skipped in dataset.skipped:
        say(f"skipped {skipped}")
    quantized = quantize_aware(source.model, target=job.target, rewrites=job.rewrites)
    record = quantize_record(job, source, dataset, quantized)
    finished = json.loads(check_folder(job, record))
    if finished:
        say(f"the run in {job.out} is finished; see {job.out / 'report.json'}, or choose another --out")
        return dict(finished)
    for note in quantized.notes:
        say(f"note: {note}")
    keras.utils.set_random_seed(job.seed)
    run = QuantizedRun(job, source, quantized, dataset, say)
    if not begun(job.out):  # what a run was begun with stays
        job.out.mkdir(parents=True, exist_ok=True)
        report.write_json(job.out / "config.json", record)
    with StopRequests() as stop:
        run.calibrate()
        run.resume()
        run.measure_before()
        evaluation = None if job.calibration_only else run.fit(stop, console)
    return run.finish(evaluation)


class QuantizedRun(Loop):
    """A run of a quantized model, in tf-keras."""

    def __init__(
        self,
        job: QuantizeJob,
        source: FloatModel,
        quantized: QuantizedModel,
        dataset: Dataset,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(job, TF_KERAS, Cluster(), dataset, source.preprocessing, say)
        self.job, self.source, self.quantized = job, source, quantized
        self.scores = scores_of(quantized)
        self.before: dict[str, Any] = {}
        variables = trained_variables(quantized, job.freeze_weights)
        if not variables and job.recipe.freeze_ranges_from == 0:
            raise UserError(
                "expected something to train, received all weights and ranges frozen; take --ptq instead"
            )
        self.trainer = QuantizedTrainer(logits_network(quantized), variables, job.recipe, self._teacher())
        self.optimizer = build_optimizer(
            job.recipe, variables, self.steps_per_epoch, job.recipe.epochs, framework=TF_KERAS
        )
        self.trainer.compile(optimizer=self.optimizer, jit_compile=False)
        share = job.recipe.freeze_ranges_from
        self.freeze_epoch = job.recipe.epochs if share is None else int(share * job.recipe.epochs)
        self.set_phase(0)

    def _teacher(self) -> Callable[[tf.Tensor], tf.Tensor] | None:
        if not self.job.distill:
            return None
        student = self.source.model
        if self.job.teacher is None:
            teacher = distillation.as_teacher(student, student, self.job.source)
        else:
            teacher = distillation.load_teacher(self.job.teacher, student)
        return lambda images: teacher(images, training=False)

    def set_phase(self, epoch: int) -> None:
        """Lets the ranges follow the activations, or stand still, from `epoch` on; the optimizer goes on."""
        frozen = epoch >= self.freeze_epoch
        self.phase_end = self.job.recipe.epochs if frozen else self.freeze_epoch
        self.quantized.freeze_ranges(frozen)

    def groups(self) -> dict[str, list[keras.Variable]]:
        """All that a step changes, by group."""
        return {"model": named(self.quantized.model.variables), "optimizer": named(self.optimizer.variables)}

    def extra(self) -> Mapping[str, Any]:
        """What was measured before the first step."""
        return {"before": self.before}

    def restored(self, state: Mapping[str, Any]) -> dict[str, list[keras.Variable]]:
        """All groups."""
        self.before = dict(state["before"])
        return self.groups()

    def resume(self) -> None:
        """Goes on from the newest checkpoint, if there is one."""
        super().resume()
        # The checkpoint's variables say whether the ranges stood still before it.
        self.set_phase(min(self.progressed.epoch, self.job.recipe.epochs - 1))

    def calibrate(self) -> None:
        """Sets every range from training images as evaluation sees them."""
        self.quantized.calibrate(self._calibration())

    def _calibration(self) -> Iterator[np.ndarray]:
        loader = Loader(
            self.dataset.train,
            self.preprocessing,
            self.job.recipe.batch_size,
            seed=self.job.seed,
            shuffle=True,  # a folder's images come class by class
            classes=len(self.dataset.class_names),
        )
        for step in range(min(self.job.calibration_batches, loader.steps_per_epoch)):
            yield loader.batch(0, step)[0]

    def measure_before(self) -> None:
        """Evaluates the float model and the calibrated one, unless a checkpoint has told."""
        if self.before:
            return
        evaluator = make_evaluator(self.source.model, len(self.dataset.class_names), False)
        loader = self.test_loader
        with naming_file(loader):
            given = evaluate(
                evaluator, loader.stream(epochs=1), loader.steps_per_epoch, self.dataset.class_names
            )
        for name, evaluation in (("float", given), ("calibrated", self.evaluate())):
            self.before[name] = {
                "top1": evaluation.top1,
                "top5": evaluation.top5,
                "cross_entropy": evaluation.cross_entropy,
            }
        self.say(
            f"top-1 of the float model {100 * self.before['float']['top1']:.2f} %, quantized by calibration alone "
            f"{100 * self.before['calibrated']['top1']:.2f} %, of {given.images} test images"
        )

    def evaluate(self) -> Evaluation:
        """Evaluates the quantized model as it is on the test images."""
        loader = self.test_loader
        with naming_file(loader):
            return evaluate_scores(self.scores, loader.stream(epochs=1), self.dataset.class_names)

    def finish(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Puts the averaged weights in, saves the model and writes the report."""
        if not self.job.calibration_only:
            use_average(self.optimizer)
        evaluation = evaluation or self.evaluate()
        result = {
            "finished": True,
            "model": self.job.source,
            "data": self.job.data,
            "recipe": None if self.job.calibration_only else self.job.recipe.name,
            "parameters": self.source.model.count_params(),
            "epochs": 0 if self.job.calibration_only else self.job.recipe.epochs,
            "seconds": round(self.progressed.seconds, 1),
            "evaluation": evaluation.to_json(),
            "before": self.before,
            "target": self.quantized.target,
            "rewrites": list(self.quantized.rewrites),
            "limit_steps": self.job.limit_steps,
        }
        self.quantized.save(self.job.out)
        report.write_run(self.job.out, self.progressed.history, evaluation, result)
        self.say(
            f"{report.table(evaluation)}\ntop-1: float {100 * self.before['float']['top1']:.2f} %, calibrated "
            f"{100 * self.before['calibrated']['top1']:.2f} %"
            + ("" if self.job.calibration_only else f", trained {100 * evaluation.top1:.2f} %")
            + f"\nsaved in {self.job.out}"
        )
        return result


def trained_variables(quantized: QuantizedModel, frozen: tuple[str, ...]) -> list[tf.Variable]:
    """The kernels and biases to train.

    Args:
        quantized: the model.
        frozen: layers of the source model to leave out: names, with * and ?; or "all".

    Raises:
        UserError: a pattern fits no layer with weights.
    """
    layers: dict[str, list[tf.Variable]] = {}
    for variable, weight in quantized.bindings:
        if weight.trainable:
            layers.setdefault(weight.name.rpartition("/")[0], []).append(variable)
    for pattern in frozen:
        found = list(layers) if pattern == "all" else fnmatch.filter(layers, pattern)
        if not found:
            raise UserError(
                f"--freeze-weights: expected all, or names of layers such as {', '.join(list(layers)[-3:])}, received "
                f"{pattern!r}, which fits none; correct it"
            )
        layers |= {name: [] for name in found}
    return [variable for variables in layers.values() for variable in variables]

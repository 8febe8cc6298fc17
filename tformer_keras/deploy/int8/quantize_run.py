"""Quantization-aware training: calibrates the device graph of a float model, then trains it with the core's loop."""

import dataclasses
import fnmatch
from collections.abc import Callable, Mapping
from typing import Any

import keras
import rich.console
import tensorflow as tf

from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.loader import naming_file
from tformer_keras.data.pixels import spaced, split_pixels, synthetic_pixels
from tformer_keras.deploy.graph.lowering_proof import prove_lowering
from tformer_keras.deploy.int8.calibration import calibrate
from tformer_keras.deploy.int8.quantize_job import FloatModel, QuantizeJob, check_out, quantize_record
from tformer_keras.deploy.int8.quantized_forward import PROBABILITY_STEP, logits_network, quantized_forward
from tformer_keras.deploy.int8.quantized_model import QuantizedModel, quantize_aware
from tformer_keras.deploy.int8.quantized_trainer import QuantizedTrainer
from tformer_keras.deploy.int8.tf_keras_framework import TF_KERAS, named
from tformer_keras.tasks.task import Evaluation, Judge, Run, evaluate
from tformer_keras.training import distillation, report
from tformer_keras.training.averaged_weights import use_average
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.forward import forward
from tformer_keras.training.loop import Loop, Say, finished, speaker
from tformer_keras.training.optimizer import build_optimizer


def quantize(
    job: QuantizeJob, source: FloatModel, dataset: Dataset, console: rich.console.Console
) -> dict[str, Any]:
    """Quantizes, or goes on with, the run in `job.out`, and returns its report.

    Raises:
        UserError: a mistake in the job, the model or the data, or the folder holds something else.
        Stop: the run was asked to stop; its checkpoint is saved.
    """

    say = speaker(console)
    check_out(job.out)
    if dataset.left_out:
        say(dataset.left_out)
    for skipped in dataset.skipped:
        say(f"skipped {skipped}")
    quantized = quantize_aware(source.model, target=job.target, rewrites=job.rewrites)
    record = quantize_record(job, source, dataset, quantized)
    done = finished(job, record, Cluster(), say)
    if done is not None:
        return done
    for note in quantized.notes:
        say(f"note: {note}")
    # Before hours of training: what is trained computes what the float model computes.
    preprocessing = source.preprocessing
    images = preprocessing.normalise(synthetic_pixels(4, preprocessing.input_size, preprocessing.channels))
    prove_lowering(source.model, quantized.lowered, images)
    keras.utils.set_random_seed(job.seed)
    return QuantizedRun(job, source, quantized, dataset, say).run(record, console)


class QuantizedRun(Loop):
    """A run of a quantized model, in tf-keras."""

    def __init__(
        self,
        job: QuantizeJob,
        source: FloatModel,
        quantized: QuantizedModel,
        dataset: Dataset,
        say: Say,
    ) -> None:
        super().__init__(job, TF_KERAS, Cluster(), dataset, source.preprocessing, say, source.model)
        self.source, self.quantized = source, quantized
        self.meaning = self.task.meaning(source.model)
        self.forward = quantized_forward(quantized)
        self.before: dict[str, Any] = {}
        variables = trained_variables(quantized, job.freeze_weights)
        if not variables and job.recipe.freeze_ranges_from == 0:
            raise UserError("something to train", "all weights and ranges frozen", "take --ptq instead")
        network = logits_network(quantized, self.meaning)
        self.trainer = QuantizedTrainer(network, variables, self.task, job.recipe, self._teacher())
        self.optimizer = build_optimizer(
            job.recipe, variables, self.steps_per_epoch, job.recipe.epochs, framework=TF_KERAS
        )
        self.trainer.compile(optimizer=self.optimizer, jit_compile=False)
        share = job.recipe.freeze_ranges_from
        self.freeze_epoch = job.recipe.epochs if share is None else int(share * job.recipe.epochs)
        self.set_phase(0)

    def _teacher(self) -> Callable[[tf.Tensor], list[tf.Tensor]] | None:
        if not self.job.distill:
            return None
        student = self.source.model
        if self.job.teacher is None:
            teacher = distillation.as_teacher(student, student, self.job.source, self.task)
        else:
            teacher = distillation.load_teacher(self.job.teacher, student, self.task)
        return lambda images: keras.tree.flatten(teacher(images, training=False))

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

    def begin(self) -> None:
        """Sets every range from training images as evaluation sees them."""
        split = self.dataset.train
        indices = spaced(len(split), self.job.calibration_images)
        calibrate(self.quantized, split_pixels(split, self.preprocessing, indices), self.preprocessing)

    def fit(self, console: rich.console.Console) -> Evaluation | None:
        """Measures what training begins from, and trains, if more than calibration is asked for."""
        self.measure_before()
        return None if self.job.calibration_only else super().fit(console)

    def resume(self) -> None:
        """Goes on from the newest checkpoint, if there is one."""
        super().resume()
        # The checkpoint's variables say whether the ranges stood still before it.
        self.set_phase(min(self.progressed.epoch, self.job.recipe.epochs - 1))

    def measure_before(self) -> None:
        """Evaluates the float model and the calibrated one, unless a checkpoint has told."""
        if self.before:
            return
        loader = self.test_loader
        judge = self.task.judge(self.dataset.class_names, self.meaning)
        with naming_file(loader):
            given = evaluate(forward(self.source.model, False), loader.stream(epochs=1), judge)
        calibrated = self.evaluate()
        for name, evaluation in (("float", given), ("calibrated", calibrated)):
            self.before[name] = {key: figure.value for key, figure in evaluation.figures.items()}
        self.say(
            f"{given.headline.name} of the float model {given.headline.shown}, quantized by calibration alone "
            f"{calibrated.headline.shown}, of {given.images} test images"
        )

    def run_and_judge(self) -> tuple[Run, Judge]:
        """The quantized model as it is, and a new judge."""
        return self.forward, self.task.judge(self.dataset.class_names, self.meaning, PROBABILITY_STEP)

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
        report.write_run(self.job.out, self.progressed.history, evaluation, self.evaluated(), result)
        key = next(name for name, figure in evaluation.figures.items() if figure == evaluation.headline)
        stages = [
            (name, dataclasses.replace(evaluation.headline, value=self.before[name][key]))
            for name in self.before
        ]
        if not self.job.calibration_only:
            stages.append(("trained", evaluation.headline))
        self.say(
            f"{evaluation.table()}\n{evaluation.headline.name}: "
            + ", ".join(f"{name} {figure.shown}" for name, figure in stages)
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
                f"all, or names of layers such as {', '.join(list(layers)[-3:])}",
                f"{pattern!r}, which fits none",
                "correct it",
                where="--freeze-weights",
            )
        layers |= {name: [] for name in found}
    return [variable for variables in layers.values() for variable in variables]

"""Quantization-aware training: calibrates the device graph of a float model, then trains it with the core's loop."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import rich.console
import tensorflow as tf
import tf_keras

from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.loader import naming_file
from tformer_keras.data.pixels import spaced, split_pixels, synthetic_pixels
from tformer_keras.deploy.graph.lowering_proof import prove_lowering
from tformer_keras.deploy.int8.calibration import calibrate, pin_pixels
from tformer_keras.deploy.int8.quantize_job import (
    LARGEST,
    FloatModel,
    QuantizeJob,
    quantize_record,
)
from tformer_keras.deploy.int8.quantized_file import ARRAYS_FILE
from tformer_keras.deploy.int8.quantized_forward import (
    PROBABILITY_STEP,
    logits_network,
    quantized_forward,
    together,
)
from tformer_keras.deploy.int8.quantized_model import QuantizedModel, quantize_aware
from tformer_keras.deploy.int8.tf_keras_framework import TF_KERAS, named
from tformer_keras.deploy.int8.tied_weights import TiedTrainer, frozen_variables, tied_variables
from tformer_keras.tasks.nested import NestedEvaluation, NestedTask
from tformer_keras.tasks.task import Evaluation, Judge, Run, evaluate
from tformer_keras.training import distillation, report
from tformer_keras.training.averaged_weights import use_average
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.forward import forward
from tformer_keras.training.loop import Loop, Say, finished, speaker
from tformer_keras.training.nested_run import FOLDER as CAPACITIES
from tformer_keras.training.nested_run import write_capacity
from tformer_keras.training.optimizer import build_optimizer
from tformer_keras.training.run_folder import check_out


def quantize(
    job: QuantizeJob,
    source: FloatModel,
    dataset: Dataset,
    console: rich.console.Console,
    smaller: Mapping[str, FloatModel] | None = None,
) -> dict[str, Any]:
    """Quantizes, or goes on with, the run in `job.out`, and returns its report.

    Args:
        smaller: of a network of several capacities the others, by name, the larger first: trained together, what they
            have in common with `source` and with each other stays so.

    Raises:
        UserError: a mistake in the job, the model or the data, or the folder holds something else.
        Stop: the run was asked to stop; its checkpoint is saved.
    """

    say = speaker(console)
    check_out(job.out, "quantize")
    if dataset.left_out:
        say(dataset.left_out)
    for skipped in dataset.skipped:
        say(f"skipped {skipped}")
    sources = [source, *(smaller or {}).values()]
    models = [quantize_aware(one.model, target=job.target, rewrites=job.rewrites) for one in sources]
    record = quantize_record(job, source, dataset, models[0], smaller or {})
    done = finished(job, record, Cluster(), say)
    if done is not None:
        return done
    for note in dict.fromkeys(note for model in models for note in model.notes):
        say(f"note: {note}")
    # Before hours of training: what is trained computes what the float model computes.
    preprocessing = source.preprocessing
    images = preprocessing.normalise(synthetic_pixels(4, preprocessing.input_size, preprocessing.channels))
    for one, model in zip(sources, models, strict=True):
        prove_lowering(one.model, model.lowered, images)
    keras.utils.set_random_seed(job.seed)
    return QuantizedRun(job, sources, models, dataset, say, record, tuple(smaller or ())).run(record, console)


class QuantizedRun(Loop):
    """A run of a quantized model, in tf-keras; or of all capacities of a network, the largest first.

    Args:
        smaller: names of the capacities behind the largest.
        record: what config.json says of the run.
    """

    def __init__(
        self,
        job: QuantizeJob,
        sources: Sequence[FloatModel],
        models: Sequence[QuantizedModel],
        dataset: Dataset,
        say: Say,
        record: Mapping[str, Any],
        smaller: tuple[str, ...] = (),
    ) -> None:
        self.source, self.quantized = sources[0], models[0]
        self.sources, self.models, self.record, self.smaller = sources, models, record, smaller
        super().__init__(job, TF_KERAS, Cluster(), dataset, self.source.preprocessing, say, self.source.model)
        self.meaning = self.task.meaning(self.source.model)
        self.forward = together([quantized_forward(model) for model in models])
        self.before: dict[str, Any] = {}
        ties = tied_variables(models, frozen_variables(models, job.freeze_weights))
        if not ties and job.recipe.freeze_ranges_from == 0:
            raise UserError("something to train", "all weights and ranges frozen", "take --ptq instead")
        self.trainer = TiedTrainer(self._network(), ties, self.task, job.recipe, self._teacher())
        self.optimizer = build_optimizer(
            job.recipe, self.trainer.leaders, self.steps_per_epoch, job.recipe.epochs, framework=TF_KERAS
        )
        self.trainer.compile(optimizer=self.optimizer, jit_compile=False)
        for model in models:
            pin_pixels(model, self.preprocessing)
        share = job.recipe.freeze_ranges_from
        self.freeze_epoch = job.recipe.epochs if share is None else int(share * job.recipe.epochs)
        self.set_phase(0)

    def task_of(self, model: keras.Model) -> Any:
        """The task, of all capacities where there are several."""
        task = super().task_of(model)
        return NestedTask(task, (LARGEST, *self.smaller)) if self.smaller else task

    def _network(self) -> Any:
        """Images → the outputs of all models, as the loss wants them."""
        networks = [logits_network(model, self.meaning) for model in self.models]
        if len(networks) == 1:
            return networks[0]
        images = tf_keras.Input(networks[0].input_shape[1:])
        outputs = [part for network in networks for part in tf.nest.flatten(network(images))]
        return tf_keras.Model(images, outputs, name="capacities")

    def _teacher(self) -> Callable[[tf.Tensor], list[tf.Tensor]] | None:
        if not self.job.distill:
            return None
        student = self.source.model
        if self.job.teachers:
            teacher = distillation.load_teacher(self.job.teachers, student, self.task)
        else:
            teacher = distillation.as_teacher(student, student, self.job.source, self.task)
        return lambda images: keras.tree.flatten(teacher(images, training=False))

    def set_phase(self, epoch: int) -> None:
        """Lets the ranges follow the activations, or stand still, from `epoch` on; the optimizer goes on."""
        frozen = epoch >= self.freeze_epoch
        self.phase_end = self.job.recipe.epochs if frozen else self.freeze_epoch
        for model in self.models:
            model.freeze_ranges(frozen)

    def groups(self) -> dict[str, list[keras.Variable]]:
        """All that a step changes, by group."""
        variables = [variable for model in self.models for variable in model.model.variables]
        return {"model": named(variables), "optimizer": named(self.optimizer.variables)}

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
        pixels = split_pixels(split, self.preprocessing, indices)
        for model in self.models:
            calibrate(model, pixels, self.preprocessing)

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
            run = together([forward(source.model, False) for source in self.sources])
            given = evaluate(run, loader.stream(epochs=1), judge)
        calibrated = self.evaluate()
        for name, evaluation in (("float", given), ("calibrated", calibrated)):
            self.before[name] = {key: figure.value for key, figure in evaluation.figures.items()}
        self.say(
            f"{given.headline.name} of the float model {given.headline.shown}, quantized by calibration alone "
            f"{calibrated.headline.shown}, of {given.images} test images"
        )

    def run_and_judge(self) -> tuple[Run, Judge]:
        """The quantized model as it is, and a new judge."""
        self.trainer.follow()  # where the optimizer has put averages in
        return self.forward, self.task.judge(self.dataset.class_names, self.meaning, PROBABILITY_STEP)

    def finish(self, evaluation: Evaluation | None) -> dict[str, Any]:
        """Puts the averaged weights in, saves the model and writes the report."""
        if not self.job.calibration_only:
            use_average(self.optimizer)
            self.trainer.follow()
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
        self._save(evaluation)
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

    def _save(self, evaluation: Evaluation) -> None:
        """The smaller capacities, each as a run of its own, then the model of the run."""
        for name, source, model in zip(self.smaller, self.sources[1:], self.models[1:], strict=True):
            assert isinstance(evaluation, NestedEvaluation)
            folder = self.job.out / CAPACITIES / name
            record = {
                **self.record,
                "run": {**self.record["run"], "nested": None},
                "model": dict(source.record),
            }
            write_capacity(folder, source.model, record, evaluation.capacities[name])
            model.weights_file(folder / ARRAYS_FILE)
        self.quantized.save(self.job.out)

"""What a quantization is asked to do, and the record and the folder that bind it to that."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset
from tformer_keras.deploy.int8.calibration import IMAGES
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.training.run_folder import LoopJob, make_record, recorded_teachers

# What the largest capacity is called beside the others' own names.
LARGEST = "largest"


@dataclass(frozen=True, kw_only=True)
class QuantizeJob(LoopJob):
    """One quantization of a trained classifier; `recipe` has the model's own input size and preprocessing.

    Attributes:
        source: the model as the user named it.
        target: "litert" or "micro": whose graph is trained; the ranges serve both.
        rewrites: "all", "none", or names of rewrites.
        calibration_images: training images, evenly spaced, that the first ranges are taken from, ≥ 1.
        calibration_only: leave it at that, without training (post-training quantization).
        distill: learn from a teacher too.
        teachers: the teachers' `.keras` files, of several the mean; none: the float model itself is the teacher.
        freeze_weights: layers whose weights stay as they are: names, with * and ?, or "all" (then only ranges move).
        split_seed: what a folder without test images, and the digits, were split by when the float model was trained.
    """

    source: str
    target: str = "litert"
    rewrites: str | tuple[str, ...] = "all"
    calibration_images: int = IMAGES
    calibration_only: bool = False
    distill: bool = False
    teachers: tuple[str, ...] = ()
    freeze_weights: tuple[str, ...] = ()
    split_seed: int = 0


@dataclass(frozen=True)
class FloatModel:
    """What is quantized: a Keras 3 classifier, and what its own run's config.json says of it under "model"."""

    model: keras.Model
    preprocessing: Preprocessing
    record: Mapping[str, Any]


def quantize_record(
    job: QuantizeJob,
    source: FloatModel,
    dataset: Dataset,
    quantized: QuantizedModel,
    smaller: Mapping[str, FloatModel],
) -> dict[str, Any]:
    """config.json; `smaller` are the other capacities of a network."""
    decides = {
        "quantize": job.source,
        "weights_sha256": _digest(source.model),
        "target": quantized.target,
        "rewrites": list(quantized.rewrites),
        "calibration_images": job.calibration_images,
        "calibration_only": job.calibration_only,
        "distill": job.distill,
        "teacher": recorded_teachers(job.teachers),
        "freeze_weights": list(job.freeze_weights),
        "split_seed": job.split_seed,
        "nested": {LARGEST: None, **{name: _digest(one.model) for name, one in smaller.items()}}
        if smaller
        else None,
    }
    return make_record(
        job, dataset, source.preprocessing, source.record, decides, {"notes": list(quantized.notes)}
    )


def _digest(model: keras.Model) -> str:
    weights = hashlib.sha256()
    for variable in model.variables:
        weights.update(np.ascontiguousarray(keras.ops.convert_to_numpy(variable.value)).tobytes())
    return weights.hexdigest()

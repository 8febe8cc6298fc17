"""The device graph of a model that somebody names, with all that its file and reports must say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.load import EMBEDDED, load_dataset
from tformer_keras.data.pixels import read_calibration, spaced, split_pixels, synthetic_pixels
from tformer_keras.deploy.graph.lower import Lowered, lower
from tformer_keras.deploy.int8.calibration import IMAGES, calibrate
from tformer_keras.deploy.int8.quantized_model import QuantizedModel, load_quantized, quantize_aware
from tformer_keras.models import TFormerConfig
from tformer_keras.models.families import BACKBONE, CONFIGS, build_config, changed, task_of_config
from tformer_keras.models.weights import SHIPPED
from tformer_keras.tasks import TASKS
from tformer_keras.training.saved_model import (
    BarePreprocessing,
    Trained,
    need_tensorflow,
    of_model,
    open_model,
)

RANDOM = "random"
RANDOM_IMAGES = 32
FRESH_LAYER_SCALE = 1.0
AS_TRAINED = "quantized weights and ranges as they were trained"


@dataclass(frozen=True, kw_only=True)
class GraphOptions:
    """Which graph is meant.

    Attributes:
        ptq: int8 from the float weights, by calibration alone, even where there are quantization-aware ones.
        calibration: a folder of images for post-training quantization; an embedded data set, whose training images
            it then is; or "random", for fresh weights only.
        calibration_images: how many of the folder, evenly spaced, ≥ 1.
        target: "litert" or "micro"; None: litert, or the quantized model's.
        rewrites: "all", "none" or names of rewrites; None: all, or the quantized model's, and those of `lower.NPU`
            where the file is compiled for an NPU.
        npu: an Ethos-U processor that the file is compiled for as well, of `npu.vela.ACCELERATORS`; or None.

    Raises:
        UserError: a number out of range.
    """

    ptq: bool = False
    calibration: str | None = None
    calibration_images: int = IMAGES
    target: str | None = None
    rewrites: str | tuple[str, ...] | None = None
    npu: str | None = None

    def __post_init__(self) -> None:
        if self.calibration_images < 1:
            raise UserError(
                "1 or more", str(self.calibration_images), "512 is usual", where="--calibration-images"
            )


@dataclass(frozen=True)
class GraphSource:
    """A device graph and where it comes from.

    Attributes:
        trained: the model with its preprocessing and class names.
        graph: `Lowered`, or for int8 a `QuantizedModel` with its ranges.
        weights: what the weights are, for people.
        fresh: whether they are untrained.
        notes: what the user should know.
        calibration: the pixels that ranges were set by, uint8 (n, height, width, 3), or None.
    """

    trained: Trained
    graph: Lowered | QuantizedModel
    weights: str
    fresh: bool
    notes: tuple[str, ...]
    calibration: NDArray[np.uint8] | None = None

    @property
    def meaning(self) -> str:
        """Of the outputs, as the contract says it."""
        return self.trained.task.meaning(self.trained.model)


def open_graph(
    model: str | Path | keras.Model, options: GraphOptions, int8: bool, bare: BarePreprocessing | None = None
) -> GraphSource:
    """Makes the device graph of a model.

    Args:
        model: what `open_model` takes, the name of a variant (fresh weights, for measurements), or a Keras 3 model,
            which needs `bare`.
        options: which graph.
        int8: whether a quantized graph is wanted.
        bare: what a bare model does not say.

    Raises:
        UserError: for a model, or calibration images, that cannot be used, and options that do not go together.
    """
    need_tensorflow("the conversion of a model")
    if not int8 and (options.ptq or options.calibration):
        raise UserError("--ptq and --calibration with --int8 only", "another kind", "leave them out")
    fresh = isinstance(model, str) and model in CONFIGS and not Path(model).exists()
    trained = _fresh(str(model)) if fresh else _open(model, bare)
    quantized = None if not int8 or options.ptq else _quantized(trained, options)
    notes = []
    weights = "trained float weights"
    if fresh:
        weights = "fresh weights, untrained"
        notes.append(
            "the weights are fresh, LayerScale 1: outputs and accuracy mean nothing, size and speed do"
        )
    target, rewrites = options.target or "litert", options.rewrites or "all"
    npu = options.npu is not None and options.rewrites is None
    graph: Lowered | QuantizedModel
    pixels = None
    if not int8:
        graph = lower(trained.model, target, rewrites)
    elif quantized is not None:
        graph = load_quantized(trained.model, quantized, options.target, options.rewrites, npu)
        weights = AS_TRAINED
    else:
        graph = quantize_aware(trained.model, target, rewrites, npu)
        pixels, how, note = _calibration(trained, options, fresh)
        calibrate(graph, pixels, trained.preprocessing)
        weights += f", quantized after training with {how}"
        notes += note
    return GraphSource(trained, graph, weights, fresh, (*notes, *graph.notes), pixels)


def _open(model: str | Path | keras.Model, bare: BarePreprocessing | None) -> Trained:
    if isinstance(model, str | Path):
        return open_model(model, bare)
    if bare is None:
        raise UserError(
            f"preprocessing and labels of the model {model.name!r}", "none", "give them as BarePreprocessing"
        )
    return of_model(model, bare)


def _quantized(trained: Trained, options: GraphOptions) -> Path | None:
    """The file of quantized weights that is meant, or None for the float ones."""
    if trained.quantized is None:
        if trained.name in SHIPPED and options.calibration is None:
            raise UserError(
                f"quantized weights of {trained.name}",
                "none, because none ship with this version",
                "give --ptq with --calibration FOLDER",
            )
        return None
    if options.calibration is not None:
        raise UserError(
            f"no --calibration for {trained.name}, which has quantized weights",
            "one",
            "leave it out, or add --ptq to start from its float ones",
        )
    return trained.quantized


def _fresh(name: str) -> Trained:
    # The same weights every time, so that the same command writes the same file.
    keras.utils.set_random_seed(0)
    # At its start of 1e-5 LayerScale makes branches so small beside the stream that XNNPACK refuses to add the two in
    # int8: the figures would be those of no trained model.
    config = CONFIGS[name]
    backbone = config if isinstance(config, TFormerConfig) else config.backbone
    if backbone.layer_scale is not None:
        field = "layer_scale" if config is backbone else f"{BACKBONE}layer_scale"
        config = changed(config, {field: FRESH_LAYER_SCALE})
    model = build_config(config, name)
    task = TASKS[task_of_config(config)].of(model)
    return Trained(
        path=Path(name),
        name=name,
        model=model,
        preprocessing=Preprocessing(input_size=tuple(model.input_shape[1:3])),
        class_names=tuple(f"class {number}" for number in range(config.classes)),
        task=task,
        record={"name": name, "config": {}},
    )


def _calibration(
    trained: Trained, options: GraphOptions, fresh: bool
) -> tuple[NDArray[np.uint8], str, list[str]]:
    """(pixels to calibrate with, what they are, what to note)."""
    preprocessing = trained.preprocessing
    if options.calibration is None:
        raise UserError(
            f"images to quantize {trained.name} with",
            "none",
            "give --calibration "
            + ("random, as its weights are fresh" if fresh else "FOLDER, or a run of `tformer quantize`"),
        )
    if options.calibration == RANDOM:
        if not fresh:
            raise UserError(
                f"real images to quantize {trained.name}",
                "--calibration random, which is for fresh weights",
                "give a folder",
            )
        pixels = synthetic_pixels(RANDOM_IMAGES, preprocessing.input_size, preprocessing.channels)
        return pixels, f"{len(pixels)} random images", []
    if options.calibration in EMBEDDED:
        split = load_dataset(options.calibration, seed=trained.split_seed or 0).train
        chosen = spaced(len(split), options.calibration_images)
        how = f"{len(chosen)} of {len(split):,} training images of {options.calibration}"
        return split_pixels(split, preprocessing, chosen), how, []
    images = read_calibration(Path(options.calibration), preprocessing, options.calibration_images)
    notes = []
    if images.resized:
        height, width = preprocessing.input_size
        notes.append(
            f"{images.resized} of the {len(images.pixels)} calibration images are not {height}x{width} and were "
            f"resized as the model's preprocessing says ({preprocessing.resize})"
        )
    return images.pixels, f"{len(images.pixels)} of {images.found:,} images of {options.calibration}", notes

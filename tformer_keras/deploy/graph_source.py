"""The MODEL of `tformer convert` and `tformer parity`: a device graph with all that its file and report must say."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.models import VARIANTS, build
from tformer_keras.models.weights import SHIPPED, quantized_weights
from tformer_keras.tasks.classification import gives_logits
from tformer_keras.training.keras_file import check_keras_file
from tformer_keras.training.saved_model import Trained, load_trained, need_tensorflow

CALIBRATION_BATCH = 32
RANDOM_IMAGES = 32
FRESH_LAYER_SCALE = 1.0


@dataclass(frozen=True)
class GraphSource:
    """A device graph and where it comes from.

    Attributes:
        name: of the model.
        model: the float Keras 3 model.
        graph: `deploy.lower.Lowered`, or `deploy.quantize.QuantizedModel` for int8.
        trained: the model with its preprocessing and class names.
        weights: what the weights are, for people.
        fresh: whether they are untrained.
        notes: what the user should know.
    """

    name: str
    model: keras.Model
    graph: Any
    trained: Trained
    weights: str
    fresh: bool
    notes: tuple[str, ...]

    @property
    def meaning(self) -> str:
        """Of the output."""
        return "logits" if gives_logits(self.model) else "probabilities"


def load_graph_source(args: argparse.Namespace, int8: bool) -> GraphSource:
    """Makes the device graph that the options ask for.

    Args:
        args: of `convert_options.add_source_arguments`.
        int8: whether a quantized graph is wanted.

    Raises:
        UserError: for a model, or calibration images, that cannot be used, and options that do not go together.
    """
    need_tensorflow("the conversion of a model")
    _check(args, int8)
    fresh = args.model in VARIANTS and not Path(args.model).exists()
    arrays = None if fresh else _quantized_file(args, int8)
    trained = _fresh(args.model) if fresh else _trained(args)
    name = args.model if fresh or args.model in SHIPPED else model_name(Path(args.model))
    rewrites = args.rewrites if args.rewrites in (None, "all", "none") else tuple(args.rewrites.split(","))
    notes: list[str] = []
    weights = "fresh weights, untrained" if fresh else "trained float weights"
    if fresh:
        notes.append(
            "the weights are fresh, LayerScale 1: outputs and accuracy mean nothing, size and speed do"
        )
    graph: Any
    if not int8:
        from tformer_keras.deploy.graph.lower import lower

        graph = lower(trained.model, args.target or "litert", rewrites or "all")
    elif arrays is not None:
        from tformer_keras.deploy.int8.quantized_model import load_quantized

        graph = load_quantized(trained.model, arrays, args.target, rewrites)
        weights = "quantized weights and ranges as they were trained"
    else:
        from tformer_keras.deploy.int8.quantized_model import quantize_aware

        graph = quantize_aware(trained.model, args.target or "litert", rewrites or "all")
        how, note = _calibrate(graph, args, trained.preprocessing, fresh)
        weights += f", quantized after training with {how}"
        notes += note
    return GraphSource(name, trained.model, graph, trained, weights, fresh, (*notes, *graph.notes))


def model_name(path: Path) -> str:
    """What to call the model at a path: the run's folder, or the file without its suffix."""
    whole = path.resolve()
    return (
        whole.parent.name
        if whole.name == "model.keras"
        else whole.stem
        if whole.suffix == ".keras"
        else whole.name
    )


def _check(args: argparse.Namespace, int8: bool) -> None:
    if not int8 and (args.ptq or args.calibration):
        raise UserError("--ptq and --calibration with --int8 only", "another kind", "leave them out")
    if args.calibration_images < 1:
        raise UserError(
            "1 or more", str(args.calibration_images), "512 is usual", where="--calibration-images"
        )


def _quantized_file(args: argparse.Namespace, int8: bool) -> Path | None:
    """The `.npz` of quantized weights that is meant, or None for the float ones."""
    path = Path(args.model)
    shipped = args.model in SHIPPED and not path.exists()
    if not int8 or args.ptq:
        return None
    if shipped:
        found = quantized_weights(args.model)
        if found is None and args.calibration is None:
            raise UserError(
                f"quantized weights of {args.model}",
                "none, because none ship with this version",
                "give --ptq with --calibration FOLDER",
            )
    else:
        candidate = path / "quantized.npz"
        found = candidate if candidate.is_file() else None
    if found is not None and args.calibration is not None:
        raise UserError(
            f"no --calibration for {args.model}, which has quantized weights",
            "one",
            "leave it out, or add --ptq to start from its float ones",
        )
    return found


def _trained(args: argparse.Namespace) -> Trained:
    """The float model; of a quantized run the one that was quantized."""
    path = Path(args.model)
    given = argparse.Namespace(**vars(args))
    if args.model not in SHIPPED or path.exists():
        if path.is_dir() and (path / "model.keras").is_file():
            path = path / "model.keras"
        check_keras_file(path)
        given.model = str(path)
    return load_trained(given)


def _fresh(name: str) -> Trained:
    # The same weights every time, so that the same command writes the same file.
    keras.utils.set_random_seed(0)
    # At its start of 1e-5 LayerScale makes branches so small beside the stream that XNNPACK refuses to add the two in
    # int8: the figures would be those of no trained model.
    scale = None if VARIANTS[name].layer_scale is None else FRESH_LAYER_SCALE
    model = build(name, layer_scale=scale)
    preprocessing = Preprocessing(input_size=tuple(model.input_shape[1:3]))
    classes = model.output_shape[-1]
    return Trained(
        Path(name), model, preprocessing, tuple(f"class {number}" for number in range(classes)), None
    )


def _calibrate(
    graph: Any, args: argparse.Namespace, preprocessing: Preprocessing, fresh: bool
) -> tuple[str, list[str]]:
    """Sets the ranges; returns by what, and what to note."""
    from tformer_keras.data.pixels import read_calibration, synthetic_pixels

    notes = []
    if args.calibration is None:
        raise UserError(
            f"images to quantize {args.model} with",
            "none",
            "give --calibration "
            + ("random, as its weights are fresh" if fresh else "FOLDER, or a run of `tformer quantize`"),
        )
    if args.calibration == "random":
        if not fresh:
            raise UserError(
                f"real images to quantize {args.model}",
                "--calibration random, which is for fresh weights",
                "give a folder",
            )
        pixels = synthetic_pixels(RANDOM_IMAGES, preprocessing.input_size)
        how = f"{len(pixels)} random images"
    else:
        images = read_calibration(Path(args.calibration), preprocessing, args.calibration_images)
        pixels = images.pixels
        how = f"{len(pixels)} of {images.found:,} images of {args.calibration}"
        if images.resized:
            height, width = preprocessing.input_size
            notes.append(
                f"{images.resized} of the {len(pixels)} calibration images are not {height}x{width} and were resized "
                f"as the model's preprocessing says ({preprocessing.resize})"
            )
    graph.calibrate(_batches(pixels, preprocessing))
    return how, notes


def _batches(pixels: np.ndarray, preprocessing: Preprocessing) -> Any:
    for start in range(0, len(pixels), CALIBRATION_BATCH):
        yield preprocessing.normalise(pixels[start : start + CALIBRATION_BATCH])

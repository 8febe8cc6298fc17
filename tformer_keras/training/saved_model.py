"""A trained model as the commands take it: a run's folder, a `.keras` file (bare or of a run), a shipped one.

The folder of a quantized run gives the float model that was quantized, and the quantized one beside it.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import Dataset
from tformer_keras.models import build
from tformer_keras.models.weights import SHIPPED
from tformer_keras.training.model import load_model
from tformer_keras.training.recipe import plain


@dataclass(frozen=True)
class Trained:
    """A model with what is needed to use it.

    Attributes:
        path: as the user named it, or the file in the run's folder.
        model: the Keras 3 model, float.
        preprocessing: of evaluation.
        class_names: in the order of the outputs.
        config: the run's config.json, or None for a bare file and shipped weights.
        quantized: the file of quantized weights of a quantized run, which is then what is meant, or None; see
            `deploy.int8.quantized_model.load_quantized`.
    """

    path: Path
    model: keras.Model
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    config: dict[str, Any] | None
    quantized: Path | None = None

    @property
    def split_seed(self) -> int:
        """The seed by which the run set its test images apart, where they were not apart before; 0 without a run."""
        run = self.config["run"] if self.config else {}
        return int(run.get("split_seed", run.get("seed", 0)))

    @property
    def record(self) -> dict[str, Any]:
        """What config.json says under "model" of the architecture: "name" and "config", empty if unknown."""
        if self.config is not None and "model" in self.config:
            return dict(self.config["model"])
        entry = SHIPPED.get(str(self.path))
        if entry is not None:
            return {"name": entry.variant, "config": plain(entry.configuration)}
        return {"name": self.model.name, "config": {}}

    def check_classes(self, dataset: Dataset, data: str) -> None:
        """Raises UserError unless the dataset, which the user called `data`, has the model's classes in its order."""
        if dataset.class_names == self.class_names:
            return
        unlike = sorted(set(dataset.class_names) ^ set(self.class_names))
        raise UserError(
            f"images of the model's {len(self.class_names)} classes",
            f"{len(dataset.class_names)} classes in {data}"
            + (f", {unlike[0]!r} being in one of them only" if unlike else " in another order"),
            "give the data that it was trained for",
        )


def need_tensorflow(what: str) -> None:
    """Raises UserError unless Keras runs on TensorFlow, on which `what` depends."""
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"the TensorFlow backend for {what}", f"{keras.backend.backend()}", "add --backend tensorflow"
        )


def load_trained(args: argparse.Namespace) -> Trained:
    """The model that `--model` names.

    Raises:
        UserError: a file is missing or damaged, or a bare file comes without its preprocessing or a shipped model
            with one.
    """
    path = Path(args.model)
    quantized = None
    given = [name for name in ("mean", "std", "resize", "labels") if getattr(args, name) is not None]
    if args.model in SHIPPED and not path.exists():
        unused = [f"--{name}" for name in given] + ["--crop-fraction"] * (args.crop_fraction != 1)
        if unused:
            raise UserError(
                f"no {', '.join(unused)} for the shipped model {args.model}, which carries its own preprocessing and class names",
                "some",
                "leave that out",
            )
        entry = SHIPPED[args.model]
        model = build(entry.variant, weights=args.model)
        return Trained(path, model, Preprocessing.from_json(entry.preprocessing), entry.class_names, None)
    if path.is_dir():
        if not (path / "model.keras").is_file():
            raise UserError(
                f"a finished run with a model.keras in {path}", "none", "train it to the end first"
            )
        if (path / "quantized.npz").is_file():
            quantized = path / "quantized.npz"
        path = path / "model.keras"
    config_path = path.with_name("config.json")
    config = None
    if not given and config_path.is_file():
        config, preprocessing, names = _read_config(config_path)
        model = load_model(str(path))
    else:
        missing = [f"--{name}" for name in ("mean", "std", "resize", "labels") if name not in given]
        if missing:
            raise UserError(
                f"config.json beside {path}, or --mean, --std, --resize and --labels",
                f"none, and no {', '.join(missing)}",
                "add what is missing",
            )
        model = load_model(str(path))
        preprocessing = Preprocessing(
            input_size=_input_size(model, path),
            resize=args.resize,
            crop_fraction=args.crop_fraction,
            mean=tuple(args.mean),
            std=tuple(args.std),
        )
        names = _read_labels(args.labels)
    outputs = model.output_shape[-1] if isinstance(model.output_shape, tuple) else None
    if outputs != len(names):
        raise UserError(
            f"{len(names)} outputs, one a class name", str(outputs), "give labels that fit", where=str(path)
        )
    if _input_size(model, path) != tuple(preprocessing.input_size):
        raise UserError(
            f"a model of {preprocessing.input_size} pixels",
            str(model.input_shape[1:3]),
            "give the config.json that belongs to it",
            where=str(path),
        )
    if quantized is None:
        return Trained(path, model, preprocessing, names, config)
    need_tensorflow("a quantized model")
    return Trained(path.parent, model, preprocessing, names, config, quantized)


def _read_config(path: Path) -> tuple[dict[str, Any], Preprocessing, tuple[str, ...]]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return config, Preprocessing.from_json(config["preprocessing"]), tuple(config["class_names"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"a run's settings in {path}", f"{error}", "train again") from error


def _read_labels(path: Path) -> tuple[str, ...]:
    try:
        return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "bytes that are not UTF-8"
        raise UserError(
            "a text file with a class name a line", f"{path}", f"{reason.lower()}", where="--labels"
        ) from error


def _input_size(model: keras.Model, path: Path) -> tuple[int, int]:
    shape = model.input_shape
    if len(shape) != 4 or shape[-1] != 3 or None in shape[1:]:
        raise UserError(
            "a model of images (height, width, 3)",
            f"input {shape}",
            "give a model of one picture of a fixed size",
            where=str(path),
        )
    return int(shape[1]), int(shape[2])

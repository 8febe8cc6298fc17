"""A trained model as the commands take it: a run's folder, a `.keras` file (bare or of a run), a shipped one."""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.models import build
from tformer_keras.models.weights import SHIPPED
from tformer_keras.training.model import load_model


@dataclass(frozen=True)
class Trained:
    """A model with what is needed to use it; `config` is the run's config.json, or None for a bare file."""

    path: Path
    model: keras.Model
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    config: dict[str, Any] | None


def load_trained(args: argparse.Namespace) -> Trained:
    """The model that `--model` names.

    Raises:
        UserError: a file is missing or damaged, or a bare file comes without its preprocessing.
    """
    path = Path(args.model)
    if args.model in SHIPPED and not path.exists():
        entry = SHIPPED[args.model]
        model = build(entry.variant, weights=args.model)
        return Trained(path, model, Preprocessing.from_json(entry.preprocessing), entry.class_names, None)
    if path.is_dir():
        if not (path / "model.keras").is_file():
            raise UserError(
                f"expected a finished run with a model.keras in {path}; train it to the end first"
            )
        path = path / "model.keras"
    given = [name for name in ("mean", "std", "resize", "labels") if getattr(args, name) is not None]
    config_path = path.with_name("config.json")
    config = None
    if not given and config_path.is_file():
        config, preprocessing, names = _read_config(config_path)
        model = load_model(str(path))
    else:
        missing = [f"--{name}" for name in ("mean", "std", "resize", "labels") if name not in given]
        if missing:
            raise UserError(
                f"expected config.json beside {path}, or --mean, --std, --resize and --labels; add {', '.join(missing)}"
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
        raise UserError(f"expected {path} to have {len(names)} outputs, one a class name, received {outputs}")
    if _input_size(model, path) != tuple(preprocessing.input_size):
        raise UserError(
            f"expected {path} to take {preprocessing.input_size} pixels, received {model.input_shape[1:3]}"
        )
    return Trained(path, model, preprocessing, names, config)


def _read_config(path: Path) -> tuple[dict[str, Any], Preprocessing, tuple[str, ...]]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return config, Preprocessing.from_json(config["preprocessing"]), tuple(config["class_names"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"expected a run's settings in {path}, received {error}; train again") from error


def _read_labels(path: Path) -> tuple[str, ...]:
    try:
        return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"--labels: expected a text file with a class name a line, received {error}"
        ) from error


def _input_size(model: keras.Model, path: Path) -> tuple[int, int]:
    shape = model.input_shape
    if len(shape) != 4 or shape[-1] != 3 or None in shape[1:]:
        raise UserError(f"expected a model of images (height, width, 3) in {path}, received input {shape}")
    return int(shape[1]), int(shape[2])

"""Models by the names that users type, and weights from another model."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tformer_edge.errors import UserError, first_line
from tformer_keras.models.backbones import copy_backbone, features_of
from tformer_keras.models.families import (
    BACKBONE,
    CONFIGS,
    Config,
    build_config,
    changed,
    field_names,
    flat_fields,
    shipped_model,
)
from tformer_keras.models.keras_file import read_keras_file
from tformer_keras.models.output_maps import task_of
from tformer_keras.models.tformer import TFormerConfig
from tformer_keras.models.weights import SHIPPED, shipped_name
from tformer_keras.tasks.task import Task

# Training sets these itself.
_OWN = ("input_shape", "classes", "include_top", "classifier_activation", "features_only", "pooling")


def model_config(
    name: str, input_size: tuple[int, int] | None, classes: int, arguments: Mapping[str, Any]
) -> Config:
    """The whole configuration of a model with logits for `classes` classes.

    Args:
        name: a key of `families.CONFIGS`.
        input_size: (height, width) in pixels, or None for the variant's default.
        classes: number of classes, ≥ 2.
        arguments: further fields, as `families.field_names` names them.

    Raises:
        UserError: the name or an argument is unknown, is the loop's own, or has a value that the model refuses.
    """
    if name not in CONFIGS:
        raise UserError(f"one of {', '.join(CONFIGS)}", repr(name), "choose one of them", where="--model")
    known = [field for field in field_names(CONFIGS[name]) if not _own(field)]
    for argument in arguments:
        if argument not in known:
            raise UserError(
                f"one of {', '.join(known)}", repr(argument), "correct the name", where="--model-set"
            )
    shape: dict[str, Any] = {} if input_size is None else {"input_shape": (*input_size, 3)}
    try:
        return changed(CONFIGS[name], {"classes": classes, **shape, **arguments})
    except (ValueError, TypeError) as error:
        raise UserError(
            "arguments that go together", first_line(error), "correct them", where="--model-set"
        ) from error


def arguments_of(weights: str, variant: str) -> dict[str, Any]:
    """The model arguments, input size and classes left out, that shipped weights or a run's model were made with.

    Args:
        weights: a shipped name, or the path of a `.keras` file or a run's folder.
        variant: the variant that is to be built with them.

    Returns:
        Fields as `families.field_names` names them; empty for a file without a run's config.json beside it.
    """
    shipped = shipped_name(weights, variant)
    config: Mapping[str, Any] = {}
    if shipped is not None:
        config = SHIPPED[shipped].configuration
    elif (beside := model_file(weights).parent / "config.json").is_file():
        try:
            model = json.loads(beside.read_text(encoding="utf-8"))["model"]
            config = model["config"] if model["name"] == variant else {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            config = {}  # some other program's config.json
    return {name: value for name, value in flat_fields(config).items() if not _own(name)}


def _own(field: str) -> bool:
    return field.removeprefix(BACKBONE) in _OWN


def build_model(name: str, config: Config) -> keras.Model:
    """The model of a configuration.

    Raises:
        UserError: the layers refuse the configuration.
    """
    try:
        return build_config(config, name)
    except (ValueError, TypeError) as error:
        raise UserError(
            "a configuration that the layers take", first_line(error), "correct it", where=name
        ) from error


def copy_weights(model: keras.Model, config: Config, path: str, task: Task) -> None:
    """Copies weights, layer by layer, from the `.keras` file at `path` or shipped weights; the head may differ.

    A detector or segmenter may begin with a classifier's weights too: its backbone takes them, the rest begins anew.

    Args:
        model: takes the weights.
        config: its own.
        path: a `.keras` file, the folder of a run, or a shipped name.
        task: of the model.

    Raises:
        UserError: the file is no Keras model, or more than its head differs.
    """
    shipped = shipped_name(path, model.name)
    source = load_model(path) if shipped is None else shipped_model(shipped)
    if not isinstance(config, TFormerConfig) and task_of(source) == "classification":
        copy_backbone(model, features_of(config.backbone), source, path)
        return
    given = {layer.name: layer for layer in source.layers}
    new = []
    for layer in model.layers:
        other = given.get(layer.name)
        shapes = [tuple(w.shape) for w in layer.weights]
        if other is not None and [tuple(w.shape) for w in other.weights] == shapes:
            layer.set_weights(other.get_weights())
        elif layer.weights:
            new.append(layer)
    head = task.head_layers(model)
    strange = [layer.name for layer in new if layer not in head]
    if strange:
        raise UserError(
            f"weights for the same model but for its head in {path}",
            f"others for {len(strange)} layers, the first being {strange[0]}",
            "give the model arguments that the file was made with",
        )


def model_file(path: str) -> Path:
    """The `.keras` file that a path means: itself, or a run's model in a folder."""
    inside = Path(path) / "model.keras"
    return inside if inside.is_file() else Path(path)


def load_model(path: str) -> keras.Model:
    """The Keras model at `path`: a `.keras` file, or the folder of a run.

    Raises:
        UserError: there is no such file, or it is no Keras model.
    """
    return read_keras_file(model_file(path))

"""Backbones: what gives the four feature maps that a detector or a segmenter stands on."""

import dataclasses
from pathlib import Path
from typing import Any

import keras

from tformer_edge.errors import UserError
from tformer_keras.models.keras_file import read_keras_file
from tformer_keras.models.tformer import VARIANTS, InputShape, TFormer, TFormerConfig, build
from tformer_keras.models.weights import SHIPPED, shipped_name

STRIDES = (4, 8, 16, 32)
# Layers of a classifier behind its last feature map.
HEAD = "head_"


def features_of(config: TFormerConfig) -> keras.Model:
    """The model of a configuration that gives its stages' maps, at strides 4, 8, 16 and 32.

    Raises ValueError for another number of stages.
    """
    if len(config.depths) != len(STRIDES):
        raise ValueError(f"`backbone` expected {len(STRIDES)} stages, received {len(config.depths)}.")
    return TFormer(dataclasses.replace(config, features_only=True, include_top=False), "backbone")


def check_features(model: keras.Model) -> None:
    """Raises ValueError for a model of other than four maps (batch, height, width, channels), each half the last."""
    shapes = [tuple(output.shape) for output in model.outputs]
    right = len(shapes) == len(STRIDES) and all(len(shape) == 4 for shape in shapes)
    if right and None not in model.inputs[0].shape[1:3]:
        size = model.inputs[0].shape[1:3]
        right = all(
            shape[1:3] == tuple(-(-side // stride) for side in size)
            for shape, stride in zip(shapes, STRIDES, strict=True)
        )
    if len(model.inputs) != 1 or not right:
        raise ValueError(
            "`backbone` expected a model of one image with four feature maps at strides 4, 8, 16 and 32, "
            f"received outputs {shapes}."
        )


def backbone_config(backbone: str | TFormerConfig | dict[str, Any]) -> TFormerConfig:
    """A configuration by a variant's name, as it is, or from JSON. Raises ValueError for an unknown name."""
    if isinstance(backbone, TFormerConfig):
        return backbone
    if isinstance(backbone, dict):
        return TFormerConfig(**backbone)
    if backbone not in VARIANTS:
        raise ValueError(f"`backbone` expected one of {', '.join(VARIANTS)}, received {backbone!r}.")
    return VARIANTS[backbone]


def own_backbone(
    backbone: str | TFormerConfig | keras.Model, input_shape: InputShape | None
) -> tuple[dict[str, Any], keras.Model | None]:
    """What a builder was given: the field `backbone` of its configuration, or a model that stands in for it.

    Raises ValueError for an unknown name, and for an input shape beside a model, which has its own.
    """
    if isinstance(backbone, keras.Model):
        if input_shape is not None:
            raise ValueError(
                f"`input_shape` expected None beside a backbone that is a model, received {input_shape}."
            )
        return {}, backbone
    config = backbone_config(backbone)
    if input_shape is not None:
        config = dataclasses.replace(config, input_shape=input_shape)
    return {"backbone": config}, None


def fill_backbone(model: keras.Model, backbone: keras.Model, weights: str) -> None:
    """Copies a classifier's weights into the backbone's layers of `model`; see `copy_backbone`.

    Args:
        model: has the layers of `backbone`.
        backbone: the features.
        weights: a shipped name, or the path of a classifier's `.keras` file.

    Raises:
        UserError: the file is no Keras model, or `copy_backbone` refuses its model.
    """
    shipped = shipped_name(weights, weights)
    if shipped is not None and SHIPPED[shipped].variant not in VARIANTS:
        raise UserError(
            "a classifier, whose backbone can be taken",
            f"the shipped {SHIPPED[shipped].variant}",
            "`tformer_keras.shipped_model` gives it whole",
            where=f"weights={weights!r}",
        )
    source = (
        read_keras_file(Path(weights))
        if shipped is None
        else build(SHIPPED[shipped].variant, weights=shipped)
    )
    copy_backbone(model, backbone, source, weights)


def copy_backbone(model: keras.Model, backbone: keras.Model, source: keras.Model, origin: str) -> None:
    """Copies the weights of the classifier `source`, layer by layer by name, into the backbone's layers of `model`.

    Args:
        model: has the layers of `backbone`.
        backbone: the features.
        source: has these layers too, and those of its head.
        origin: where `source` is from.

    Raises:
        UserError: `source` has other layers than the backbone, or one of another shape.
    """
    given, wanted = _with_weights(source), _with_weights(backbone)
    for name in [*wanted, *given]:
        if name not in wanted or name not in given or _shapes(given[name]) != _shapes(wanted[name]):
            raise UserError(
                f"weights of the backbone in {origin}",
                f"others for its layer {name}" if name in wanted else f"also a layer {name}",
                "give a classifier of the backbone's own configuration (in training, --model-set backbone.FIELD=…)",
                where=model.name,
            )
    for name, layer in given.items():
        model.get_layer(name).set_weights(layer.get_weights())


def _with_weights(model: keras.Model) -> dict[str, keras.layers.Layer]:
    return {layer.name: layer for layer in model.layers if layer.weights and not layer.name.startswith(HEAD)}


def _shapes(layer: keras.layers.Layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]

"""All models by the names that users type: classifiers, detectors, segmenters."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras

from tformer_edge.errors import UserError
from tformer_keras.models.retinanet import DETECTORS, RetinaNetConfig, build_detector
from tformer_keras.models.semantic_fpn import SEGMENTERS, SemanticFPNConfig, build_segmenter
from tformer_keras.models.tformer import VARIANTS, TFormer, TFormerConfig
from tformer_keras.models.weights import SHIPPED, fill

Config = TFormerConfig | RetinaNetConfig | SemanticFPNConfig

CONFIGS: dict[str, Config] = {**VARIANTS, **DETECTORS, **SEGMENTERS}
# Fields of a backbone are named so among a detector's and a segmenter's.
BACKBONE = "backbone."


def task_of_config(config: Config) -> str:
    """The contract's `task` of a configuration's models."""
    if isinstance(config, RetinaNetConfig):
        return "detection"
    return "segmentation" if isinstance(config, SemanticFPNConfig) else "classification"


def field_names(config: Config) -> list[str]:
    """The names of all that can be changed: of a backbone's fields with `BACKBONE` before them."""
    names = [field.name for field in dataclasses.fields(config)]
    if isinstance(config, TFormerConfig):
        return names
    inner = [BACKBONE + field.name for field in dataclasses.fields(TFormerConfig)]
    return [name for name in names if name != "backbone"] + inner


def changed(config: Config, arguments: Mapping[str, Any]) -> Config:
    """A configuration with some fields changed, named as `field_names` does; "input_shape" is the backbone's too.

    Raises ValueError and TypeError as the configurations do.
    """
    own = {name: value for name, value in arguments.items() if not name.startswith(BACKBONE)}
    if isinstance(config, TFormerConfig):
        return dataclasses.replace(config, **own)
    inner = {
        name.removeprefix(BACKBONE): value for name, value in arguments.items() if name.startswith(BACKBONE)
    }
    if "input_shape" in own:
        inner["input_shape"] = own.pop("input_shape")
    return dataclasses.replace(config, backbone=dataclasses.replace(config.backbone, **inner), **own)


def build_config(config: Config, name: str) -> keras.Model:
    """The model of a configuration."""
    if isinstance(config, RetinaNetConfig):
        return build_detector(config, name)
    if isinstance(config, SemanticFPNConfig):
        return build_segmenter(config, name)
    return TFormer(config, name)


def flat_fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a run's config.json says of its model, with the backbone's fields named as `field_names` does."""
    inner = config.get("backbone")
    named = {BACKBONE + name: value for name, value in inner.items()} if isinstance(inner, Mapping) else {}
    return {**{name: value for name, value in config.items() if name != "backbone"}, **named}


def shipped_model(name: str) -> keras.Model:
    """A trained model that ships with the package, of whatever task.

    model = tformer_keras.shipped_model("detector_micro_bccd")

    Args:
        name: as `tformer list` has it.

    Raises:
        UserError: nothing of that name ships, or its file is missing or damaged.
    """
    if name not in SHIPPED:
        raise UserError(f"a shipped name: {', '.join(SHIPPED)}", repr(name), "take one of them")
    entry = SHIPPED[name]
    model = build_config(changed(CONFIGS[entry.variant], flat_fields(entry.configuration)), entry.variant)
    fill(model, name)
    return model

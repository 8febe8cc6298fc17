"""The models of the ablations' rows: one small TFormer, which is trained, and TFormer-S, whose speed is measured."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from benchmarks.ablation_rows import Row
from tformer_keras.layers import HybridPooling
from tformer_keras.models.tformer import VARIANTS, TFormer, TFormerConfig

# The paper's shape, small: one strided patch embedding before each stage, 16×16, 8×8 and 4×4 maps. LayerScale from 1e-5
# has no time to grow in so short a training.
SMALL: dict[str, Any] = {
    "width": 1.0,
    "widths": (32, 64, 96),
    "depths": (1, 2, 1),
    "stem_kernel": 5,
    "stem_stride": 2,
    "layer_scale": None,
    "stochastic_depth": 0.0,
}


def small_config(row: Row, size: tuple[int, int], classes: int) -> TFormerConfig:
    """The row as a configuration of the small TFormer for images of `size` (height, width)."""
    arguments = {**SMALL, **row.overrides, "input_shape": (*size, 3), "classes": classes}
    return dataclasses.replace(VARIANTS["tformer_micro"], **arguments)


def form_config(row: Row, form: str) -> TFormerConfig:
    """The row as "tformer_s" at 224×224 with 1,000 classes, or as the "small" one at 32×32 with 10."""
    if form == "small":
        return small_config(row, (32, 32), 10)
    return dataclasses.replace(VARIANTS["tformer_s"], **row.overrides)


def build_row(row: Row, config: TFormerConfig, name: str = "tformer") -> keras.Model:
    """The row's model: fresh weights, images `(batch, *input_shape)` to logits."""
    model = TFormer(config, name)
    if not row.depthwise:
        return model
    return keras.models.clone_model(model, clone_function=_depthwise_for_pooling)


def _depthwise_for_pooling(layer: keras.layers.Layer) -> keras.layers.Layer:
    if not isinstance(layer, HybridPooling):
        return type(layer).from_config(layer.get_config())
    return keras.layers.DepthwiseConv2D(
        3,
        padding="same",
        data_format="channels_last",
        use_bias=False,  # the 1×1 convolution behind it has one
        # Of nine weights: what comes out deviates as much as what went in.
        depthwise_initializer=keras.initializers.RandomNormal(stddev=1 / 3),
        name=layer.name,
    )

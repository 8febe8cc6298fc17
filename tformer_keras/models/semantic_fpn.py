"""Semantic FPN (Kirillov et al., arXiv:1901.02446) on a TFormer: the paper's segmenter (Table 7), and for devices."""

import dataclasses
from typing import Any

import keras
from keras import layers

from tformer_keras.layers import OutputMap
from tformer_keras.models.backbones import (
    STRIDES,
    backbone_config,
    check_features,
    features_of,
    fill_backbone,
    own_backbone,
)
from tformer_keras.models.feature_pyramid import FORMAT, ConvStyle, SharedConv, double, feature_pyramid
from tformer_keras.models.retinanet import MICRO_BACKBONE, TINY_BACKBONE
from tformer_keras.models.tformer import InputShape, TFormerConfig

FIRST_LEVEL = 2


@dataclasses.dataclass(frozen=True)
class SemanticFPNConfig:
    """Everything that decides a Semantic FPN's graph. * "not stated by the paper": MMSegmentation's choice.

    Attributes:
        backbone: of the four feature maps.
        classes: of pixels, at least 2.
        neck_channels, head_channels: of the pyramid's maps, and of the maps that are enlarged and added.
        separable, activation: of neck and head, see `ConvStyle`; the head's convolutions have a BatchNorm.
        neck_norm: None or "batch", of the neck's convolutions.
        dropout: * share of the channels that training leaves out before the last convolution, 0 to under 1.
    """

    backbone: TFormerConfig = dataclasses.field(default_factory=TFormerConfig)
    classes: int = 150
    neck_channels: int = 256
    head_channels: int = 128
    separable: bool = False
    neck_norm: str | None = None
    activation: str = "relu"
    dropout: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "backbone", backbone_config(self.backbone))
        rules = [
            ("classes", type(self.classes) is int and self.classes >= 2, "2 or more"),
            ("neck_channels", type(self.neck_channels) is int and self.neck_channels >= 1, "1 or more"),
            ("head_channels", type(self.head_channels) is int and self.head_channels >= 1, "1 or more"),
            ("neck_norm", self.neck_norm in (None, "batch"), "None or 'batch'"),
            ("activation", self.activation in ("relu", "relu6"), "'relu' or 'relu6'"),
            ("dropout", 0 <= self.dropout < 1, "0 to under 1"),
        ]
        for name, right, expected in rules:
            if not right:
                raise ValueError(f"`{name}` expected {expected}, received {getattr(self, name)!r}.")

    @property
    def input_shape(self) -> InputShape:
        """The backbone's."""
        return self.backbone.input_shape

    def style(self, norm: str | None) -> ConvStyle:
        """Of neck or head."""
        return ConvStyle(self.separable, norm, self.activation, self.backbone.norm_momentum)


# The paper's head is MMSegmentation's, of which its parameters are counted to the digit; the edge head is ours.
HEADS: dict[str, dict[str, Any]] = {
    "paper": {},
    "edge": {
        "neck_channels": 128,
        "head_channels": 64,
        "separable": True,
        "neck_norm": "batch",
        "activation": "relu6",
    },
}

SEGMENTERS: dict[str, SemanticFPNConfig] = {
    "semantic_fpn_tformer_s": SemanticFPNConfig(backbone_config("tformer_s")),
    "semantic_fpn_tformer_m": SemanticFPNConfig(backbone_config("tformer_m")),
    "semantic_fpn_tformer_l": SemanticFPNConfig(backbone_config("tformer_l")),
    "segmenter_micro": SemanticFPNConfig(MICRO_BACKBONE, **{**HEADS["edge"], "neck_channels": 96}),
    # Its class map has 576 bytes a class and is the peak of a microcontroller's memory from 74 classes on: of 150 it
    # alone has 86 kB. As many classes as Pascal VOC need no more than the backbone does.
    "segmenter_tiny": SemanticFPNConfig(
        TINY_BACKBONE, classes=21, **{**HEADS["edge"], "neck_channels": 32, "head_channels": 16}
    ),
}


def SemanticFPN(
    backbone: str | TFormerConfig | keras.Model = "tformer_s",
    classes: int = 150,
    head: str = "paper",
    input_shape: InputShape | None = None,
    weights: str | None = None,
    name: str = "semantic_fpn",
    **config: Any,
) -> keras.Model:
    """A segmenter: logits of each class at a quarter of the input's size.

    Args:
        backbone: a key of `VARIANTS`, a `TFormerConfig`, or a Keras model of four feature maps at strides 4 to 32.
        classes: of pixels, at least 2.
        head: "paper" or "edge", see `HEADS`.
        input_shape: (height, width, channels), any size; None: the backbone's. A backbone that is a model
            has one already.
        weights: None, or a shipped name or `.keras` file of a classifier, whose backbone is taken.
        name: the model's name.
        config: fields of `SemanticFPNConfig`.

    Returns:
        A functional Keras model on `(batch, *input_shape)` with the output `(batch, ⌈h / 4⌉, ⌈w / 4⌉, classes)` of an
        `OutputMap` layer.

    Raises:
        ValueError: for an argument outside its range.
        UserError: for weights that do not fit.
    """
    if head not in HEADS:
        raise ValueError(f"`head` expected one of {', '.join(HEADS)}, received {head!r}.")
    arguments = {**HEADS[head], "classes": classes, **config}
    own, given = own_backbone(backbone, input_shape)
    return build_segmenter(SemanticFPNConfig(**own, **arguments), name, weights, given)


def build_segmenter(
    config: SemanticFPNConfig, name: str, weights: str | None = None, backbone: keras.Model | None = None
) -> keras.Model:
    """The model of a configuration; `backbone` stands in for that of the configuration. See `SemanticFPN`."""
    backbone = features_of(config.backbone) if backbone is None else backbone
    check_features(backbone)
    levels = range(FIRST_LEVEL, FIRST_LEVEL + len(STRIDES))
    pyramid = feature_pyramid(
        backbone.outputs, list(levels), config.neck_channels, config.style(config.neck_norm)
    )
    style, parts = config.style("batch"), []
    for place, level in enumerate(levels):
        y = pyramid[place]
        # As many convolutions as there are doublings to the finest level, and one at the finest itself.
        for number in range(1, max(place, 1) + 1):
            y = SharedConv(config.head_channels, style, f"head_p{level}_{number}")(y)
            if place:
                y = double(y, pyramid[place - number], f"head_p{level}_{number}", "bilinear")
        parts.append(y)
    x = layers.Add(name="head_add")(parts)
    if config.dropout:
        x = layers.SpatialDropout2D(config.dropout, data_format=FORMAT, name="head_dropout")(x)
    x = layers.Conv2D(
        config.classes,
        1,
        data_format=FORMAT,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        name="class_conv",
    )(x)
    logits = OutputMap("class_logits", STRIDES[0], name="class_logits", dtype="float32")(x)
    model = keras.Model(backbone.inputs[0], logits, name=name)
    if weights is not None:
        fill_backbone(model, backbone, weights)
    return model

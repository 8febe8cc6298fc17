"""RetinaNet (Lin et al., arXiv:1708.02002) on a TFormer: the paper's detector (Table 6), and one for devices."""

import dataclasses
import math
from typing import Any

import keras
from keras import layers

from tformer_edge.anchors import RATIOS, SCALES, of_retinanet
from tformer_keras.layers import OutputMap
from tformer_keras.models.backbones import (
    backbone_config,
    check_features,
    features_of,
    fill_backbone,
    own_backbone,
)
from tformer_keras.models.feature_pyramid import FORMAT, ConvStyle, SharedConv, feature_pyramid
from tformer_keras.models.tformer import InputShape, TFormerConfig

# The finest level, P3, has a stride of 8.
FIRST_LEVEL = 3


@dataclasses.dataclass(frozen=True)
class RetinaNetConfig:
    """Everything that decides a RetinaNet's graph. * "not stated by the paper": RetinaNet's or ours.

    Attributes:
        backbone: of the four feature maps, of which those of stride 8, 16 and 32 are used.
        classes: of things, at least 1; there is no class for the background.
        neck_channels, head_channels: of the pyramid's maps and of the two towers.
        head_depth: 3×3 convolutions of each tower.
        separable, norm, activation: of neck and head, see `ConvStyle`.
        output_kernel: 1 or 3, of the convolutions that give logits and deltas.
        levels: from P3 on, 3 to 5.
        anchor_scales: * sides of square anchors in strides.
        anchor_ratios: * heights over widths.
        prior: * score of all anchors before training (RetinaNet, section 4.1).
    """

    backbone: TFormerConfig = dataclasses.field(default_factory=TFormerConfig)
    classes: int = 80
    neck_channels: int = 256
    head_channels: int = 256
    head_depth: int = 4
    separable: bool = False
    norm: str | None = None
    activation: str = "relu"
    output_kernel: int = 3
    levels: int = 5
    anchor_scales: tuple[float, ...] = SCALES
    anchor_ratios: tuple[float, ...] = RATIOS
    prior: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "backbone", backbone_config(self.backbone))
        for field in ("anchor_scales", "anchor_ratios"):
            value = getattr(self, field)
            value = (value,) if isinstance(value, (int, float)) else value
            object.__setattr__(self, field, tuple(map(float, value)))
        counts = ("classes", "neck_channels", "head_channels", "head_depth")
        rules = [
            (name, type(value := getattr(self, name)) is int and value >= 1, "1 or more") for name in counts
        ]
        rules += [
            ("norm", self.norm in (None, "batch"), "None or 'batch'"),
            ("activation", self.activation in ("relu", "relu6"), "'relu' or 'relu6'"),
            ("output_kernel", self.output_kernel in (1, 3), "1 or 3"),
            ("levels", self.levels in (3, 4, 5), "3, 4 or 5"),
            ("anchor_scales", _positive(self.anchor_scales), "numbers over 0"),
            ("anchor_ratios", _positive(self.anchor_ratios), "numbers over 0"),
            ("prior", 0 < self.prior < 1, "over 0 and under 1"),
        ]
        for name, right, expected in rules:
            if not right:
                raise ValueError(f"`{name}` expected {expected}, received {getattr(self, name)!r}.")

    @property
    def input_shape(self) -> InputShape:
        """The backbone's."""
        return self.backbone.input_shape

    @property
    def style(self) -> ConvStyle:
        """Of neck and head."""
        return ConvStyle(self.separable, self.norm, self.activation, self.backbone.norm_momentum)


def _positive(numbers: tuple[float, ...]) -> bool:
    return bool(numbers) and all(0 < number < math.inf for number in numbers)


# The paper's head is MMDetection's RetinaNet, of which its parameters are counted to the digit; the edge head is ours.
HEADS: dict[str, dict[str, Any]] = {
    "paper": {},
    "edge": {
        "neck_channels": 96,
        "head_channels": 96,
        "head_depth": 2,
        "separable": True,
        "norm": "batch",
        "activation": "relu6",
        "output_kernel": 1,
    },
}
# From scratch: a branch scaled by 1e-5 has no time to grow.
_SMALL: dict[str, Any] = {"depths": (1, 1, 2, 1), "layer_scale": None, "stochastic_depth": 0.0}
# Under half the parameters of half TFormer-S's widths: its last stage has most of them and is of least use where things
# are small. Two convolutions of stride 2 see more of an edge than one of stride 4.
MICRO_BACKBONE = TFormerConfig(
    widths=(32, 64, 96, 96),
    stem_kernel=3,
    stem_widths=(24,),
    stem_stride=(2, 2),
    input_shape=(240, 320, 3),
    **{**_SMALL, "depths": (1, 2, 2, 1)},
)
TINY_BACKBONE = TFormerConfig(width=0.25, input_shape=(96, 96, 3), **_SMALL)

DETECTORS: dict[str, RetinaNetConfig] = {
    "retinanet_tformer_s": RetinaNetConfig(backbone_config("tformer_s")),
    "retinanet_tformer_m": RetinaNetConfig(backbone_config("tformer_m")),
    "retinanet_tformer_l": RetinaNetConfig(backbone_config("tformer_l")),
    "detector_micro": RetinaNetConfig(MICRO_BACKBONE, **HEADS["edge"]),
    "detector_tiny": RetinaNetConfig(
        TINY_BACKBONE,
        **{**HEADS["edge"], "neck_channels": 32, "head_channels": 32},
        levels=3,
        anchor_scales=(4.0,),
    ),
}


def RetinaNet(
    backbone: str | TFormerConfig | keras.Model = "tformer_s",
    classes: int = 80,
    head: str = "paper",
    input_shape: InputShape | None = None,
    weights: str | None = None,
    name: str = "retinanet",
    **config: Any,
) -> keras.Model:
    """A detector: of each level a map of logits and one of deltas.

    Args:
        backbone: a key of `VARIANTS`, a `TFormerConfig`, or a Keras model of four feature maps at strides 4 to 32.
        classes: of things, at least 1.
        head: "paper" or "edge", see `HEADS`.
        input_shape: (height, width, channels), any size; None: the backbone's. A backbone that is a model
            has one already.
        weights: None, or a shipped name or `.keras` file of a classifier, whose backbone is taken.
        name: the model's name.
        config: fields of `RetinaNetConfig`.

    Returns:
        A functional Keras model on `(batch, *input_shape)`. Outputs, all of `OutputMap` layers, level by level from P3
        on: logits `(batch, h, w, anchors × classes)` and deltas `(batch, h, w, anchors × 4)`, as
        `tformer_edge/box_coding.py` codes them.

    Raises:
        ValueError: for an argument outside its range.
        UserError: for weights that do not fit.
    """
    if head not in HEADS:
        raise ValueError(f"`head` expected one of {', '.join(HEADS)}, received {head!r}.")
    arguments = {**HEADS[head], "classes": classes, **config}
    own, given = own_backbone(backbone, input_shape)
    return build_detector(RetinaNetConfig(**own, **arguments), name, weights, given)


def build_detector(
    config: RetinaNetConfig, name: str, weights: str | None = None, backbone: keras.Model | None = None
) -> keras.Model:
    """The model of a configuration; `backbone` stands in for that of the configuration. See `RetinaNet`."""
    backbone = features_of(config.backbone) if backbone is None else backbone
    check_features(backbone)
    extra = config.levels - 3
    numbers = range(FIRST_LEVEL, FIRST_LEVEL + config.levels)
    pyramid = feature_pyramid(
        backbone.outputs[1:], list(numbers)[:3], config.neck_channels, config.style, extra
    )
    anchors = of_retinanet([2**number for number in numbers], config.anchor_scales, config.anchor_ratios)
    count = len(config.anchor_scales) * len(config.anchor_ratios)
    # A score of `prior` everywhere, so that the many anchors of the background do not drown the first steps.
    bias = -math.log((1 - config.prior) / config.prior)
    heads = {"logits": (count * config.classes, bias), "deltas": (count * 4, 0.0)}
    towers = {
        kind: [
            SharedConv(config.head_channels, config.style, f"{kind}_tower{number}")
            for number in range(1, config.head_depth + 1)
        ]
        for kind in heads
    }
    ends = {
        kind: layers.Conv2D(
            filters,
            config.output_kernel,
            padding="same",
            data_format=FORMAT,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            bias_initializer=keras.initializers.Constant(start),
            name=f"{kind}_conv",
        )
        for kind, (filters, start) in heads.items()
    }
    outputs = []
    for number, level, x in zip(numbers, anchors, pyramid, strict=True):
        for kind, end in ends.items():
            y = x
            for convolution in towers[kind]:
                y = convolution(y, f"p{number}")
            mark = OutputMap(kind, level.stride, level.shapes, name=f"{kind}_p{number}", dtype="float32")
            outputs.append(mark(end(y)))
    model = keras.Model(backbone.inputs[0], outputs, name=name)
    if weights is not None:
        fill_backbone(model, backbone, weights)
    return model

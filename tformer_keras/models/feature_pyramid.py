"""The feature pyramid of detectors and segmenters (Lin et al., arXiv:1612.03144): lateral 1×1 convolutions, the coarser
levels added from the top down, and a 3×3 convolution a level. No norm stands between backbone and neck."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from tformer_keras.layers import BatchNormalization

FORMAT = "channels_last"


@dataclass(frozen=True)
class ConvStyle:
    """How the 3×3 convolutions of a neck and a head are made.

    Attributes:
        separable: a depthwise 3×3 and a 1×1 convolution instead of a dense 3×3.
        norm: "batch", a BatchNorm behind each, of which the levels of a shared convolution have one each; or None.
        activation: "relu" or "relu6".
        momentum: of BatchNorm's moving statistics.
    """

    separable: bool = False
    norm: str | None = None
    activation: str = "relu"
    momentum: float = 0.9


class SharedConv:
    """A 3×3 convolution with norm and activation that may be called on several levels, which share its kernels.

    Each layer has an initializer of its own: in Keras 3 one that is shared gives all of them equal kernels.
    """

    def __init__(
        self, filters: int, style: ConvStyle, name: str, strides: int = 1, activate: bool = True
    ) -> None:
        self.style, self.name, self.activate = style, name, activate
        bias = style.norm is None
        if style.separable:
            self.convolutions = [
                layers.DepthwiseConv2D(
                    3,
                    strides,
                    padding="same",
                    data_format=FORMAT,
                    use_bias=False,
                    depthwise_initializer=keras.initializers.HeNormal(),
                    name=f"{name}_depthwise",
                ),
                pointwise(filters, f"{name}_pointwise", bias),
            ]
        else:
            initializer = keras.initializers.HeNormal()
            self.convolutions = [
                layers.Conv2D(
                    filters,
                    3,
                    strides,
                    padding="same",
                    data_format=FORMAT,
                    use_bias=bias,
                    kernel_initializer=initializer,
                    name=f"{name}_conv",
                )
            ]

    def __call__(self, x: Any, level: str = "") -> Any:
        suffix = f"_{level}" if level else ""
        for convolution in self.convolutions:
            x = convolution(x)
        if self.style.norm is not None:
            norm = BatchNormalization(
                momentum=self.style.momentum, epsilon=1e-3, name=f"{self.name}_norm{suffix}"
            )
            x = norm(x)
        if self.activate:
            limit = 6.0 if self.style.activation == "relu6" else None
            x = layers.ReLU(limit, name=f"{self.name}_activation{suffix}")(x)
        return x


def pointwise(filters: int, name: str, use_bias: bool = True) -> layers.Layer:
    """A 1×1 convolution with Glorot's initializer, which FPN's authors use."""
    return layers.Conv2D(
        filters,
        1,
        data_format=FORMAT,
        use_bias=use_bias,
        kernel_initializer=keras.initializers.GlorotUniform(),
        name=name,
    )


def double(x: Any, finer: Any, name: str, interpolation: str = "nearest") -> Any:
    """Twice as large, cut to the finer map's size at the bottom and right: cells stay where they are in the picture.

    With "nearest" it is equal to nearest resizing to that size. `keras.layers.Resizing` would not do for "bilinear":
    called without `training`, it has all layers behind it train.
    """
    x = layers.UpSampling2D(2, data_format=FORMAT, interpolation=interpolation, name=f"{name}_double")(x)
    rows, columns = (
        0 if given is None or wanted is None else given - wanted
        for given, wanted in zip(x.shape[1:3], finer.shape[1:3], strict=True)
    )
    if rows or columns:
        x = layers.Cropping2D(((0, rows), (0, columns)), data_format=FORMAT, name=f"{name}_crop")(x)
    return x


def feature_pyramid(
    features: Sequence[Any], levels: Sequence[int], channels: int, style: ConvStyle, extra: int = 0
) -> list[Any]:
    """The maps of the pyramid, the finest first.

    Args:
        features: the backbone's maps, the finest first, each half as large as the one before it, rounded up.
        levels: the number of each, for names: 3 where the stride is 8.
        channels: of every map of the pyramid.
        style: of the 3×3 convolutions, which have no activation here.
        extra: coarser levels beyond the last: strided 3×3 convolutions, the first of them on the backbone's last map
            (MMDetection's "on_input").
    """
    maps = [
        pointwise(channels, f"neck_p{level}_lateral")(x) for level, x in zip(levels, features, strict=True)
    ]
    for place in range(len(maps) - 2, -1, -1):
        name = f"neck_p{levels[place]}"
        coarser = double(maps[place + 1], maps[place], name)
        maps[place] = layers.Add(name=f"{name}_add")([maps[place], coarser])
    pyramid = [
        SharedConv(channels, style, f"neck_p{level}", activate=False)(x)
        for level, x in zip(levels, maps, strict=True)
    ]
    x = features[-1]
    for number in range(extra):
        level = levels[-1] + 1 + number
        x = SharedConv(channels, style, f"neck_p{level}", strides=2, activate=False)(x)
        pyramid.append(x)
    return pyramid

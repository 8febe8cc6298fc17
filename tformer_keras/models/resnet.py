"""ResNet-18, -50 and -101 in torchvision's layout (He et al., arXiv:1512.03385): peers to measure against."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import layers


@dataclasses.dataclass(frozen=True)
class ResNetConfig:
    """The depth of each stage, and whether its blocks are bottlenecks (1×1, 3×3, 1×1 at four times the width)."""

    depths: tuple[int, ...]
    bottleneck: bool


RESNETS: dict[str, ResNetConfig] = {
    "resnet18": ResNetConfig((2, 2, 2, 2), bottleneck=False),  # 11,689,512 parameters
    "resnet50": ResNetConfig((3, 4, 6, 3), bottleneck=True),  # 25,557,032 parameters
    "resnet101": ResNetConfig((3, 4, 23, 3), bottleneck=True),  # 44,549,160 parameters
}


def _conv_norm(x: Any, filters: int, kernel: int, stride: int, name: str, activation: bool = True) -> Any:
    # torchvision pads both sides alike; TensorFlow's "same" would shift a strided convolution by a pixel.
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters, kernel, stride, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
    return layers.Activation("relu", name=f"{name}_relu")(x) if activation else x


def _block(x: Any, width: int, stride: int, bottleneck: bool, name: str) -> Any:
    shortcut, out = x, width * (4 if bottleneck else 1)
    if stride > 1 or x.shape[-1] != out:
        shortcut = _conv_norm(x, out, 1, stride, f"{name}_shortcut", activation=False)
    if bottleneck:
        x = _conv_norm(x, width, 1, 1, f"{name}_1")
        x = _conv_norm(x, width, 3, stride, f"{name}_2")
        x = _conv_norm(x, out, 1, 1, f"{name}_3", activation=False)
    else:
        x = _conv_norm(x, width, 3, stride, f"{name}_1")
        x = _conv_norm(x, width, 3, 1, f"{name}_2", activation=False)
    return layers.Activation("relu", name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))


def ResNet(
    variant: str, input_shape: tuple[int, int, int] = (224, 224, 3), classes: int = 1000
) -> keras.Model:
    """Builds a ResNet of the table.

    Input: `(batch, height, width, channels)`. Output: logits `(batch, classes)`.

    Raises:
        ValueError: for a name that the table lacks.
    """
    if variant not in RESNETS:
        raise ValueError(f"`variant` expected one of {', '.join(RESNETS)}, received {variant!r}.")
    config = RESNETS[variant]
    inputs = layers.Input(input_shape, name="image")
    x = _conv_norm(inputs, 64, 7, 2, "stem")
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)  # zeros are below no activation after a ReLU
    x = layers.MaxPooling2D(3, 2, name="stem_pool")(x)
    for stage, depth in enumerate(config.depths):
        for index in range(depth):
            stride = 2 if stage and not index else 1
            x = _block(x, 64 * 2**stage, stride, config.bottleneck, f"stage{stage + 1}_block{index + 1}")
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    return keras.Model(inputs, layers.Dense(classes, name="head_logits", dtype="float32")(x), name=variant)

"""MLPerf Tiny's ResNet-8, trained by one of this package's recipes: what a small TFormer has to beat.

    python -m benchmarks.resnet8 CIFAR10 --recipe cifar10 --out runs/resnet8
    tformer quantize runs/resnet8 --data CIFAR10 --recipe quantize_cifar10 --out runs/resnet8-int8
    tformer convert runs/resnet8-int8 --int8 --data CIFAR10

The graph is that of Banbury et al., "MLPerf Tiny Benchmark" (arXiv:2106.07597): a 3×3 convolution, then one residual
block of two 3×3 convolutions at each of 32×32, 16×16 and 8×8 pixels, of 16, 32 and 64 channels. Recipe, loop, data and
conversion are those of every other run; what the recipe says of a TFormer's architecture does not apply. The same
command again goes on with an interrupted run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.own_graph_command import run_command

if TYPE_CHECKING:
    import keras

WIDTHS = (16, 32, 64)
SIZE = (32, 32)
PARAMETERS = 78_666  # moving statistics included, as MLPerf Tiny counts them


def resnet8(input_shape: tuple[int, int, int] = (*SIZE, 3), classes: int = 10) -> keras.Model:
    """The graph: images `(batch, *input_shape)` to logits `(batch, classes)`."""
    import keras
    from keras import layers

    def convolved(x: Any, width: int, stride: int, name: str) -> Any:
        x = layers.Conv2D(
            width,
            3,
            stride,
            padding="same",
            kernel_initializer="he_normal",
            name=f"{name}_conv",
        )(x)
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)

    inputs = layers.Input(input_shape, name="image")
    x = layers.Activation("relu", name="stem_relu")(convolved(inputs, WIDTHS[0], 1, "stem"))
    for number, width in enumerate(WIDTHS, 1):
        stride, name, shortcut = (1 if number == 1 else 2), f"block{number}", x
        if stride > 1:
            shortcut = layers.Conv2D(width, 1, stride, kernel_initializer="he_normal", name=f"{name}_short")(
                x
            )
        x = layers.Activation("relu", name=f"{name}_relu1")(convolved(x, width, stride, f"{name}_1"))
        x = convolved(x, width, 1, f"{name}_2")
        x = layers.Activation("relu", name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, shortcut]))
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    return keras.Model(inputs, layers.Dense(classes, name="head_logits", dtype="float32")(x), name="resnet8")


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    return run_command(argv, "resnet8", lambda classes: resnet8(classes=classes), SIZE, __doc__)


if __name__ == "__main__":
    sys.exit(main())

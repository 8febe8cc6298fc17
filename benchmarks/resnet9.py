"""A ResNet-9 of half the usual width: a teacher for small CIFAR-10 models, dear to train and to run, never shipped.

    python -m benchmarks.resnet9 CIFAR10 --recipe cifar10 --out runs/resnet9
    tformer train CIFAR10 --recipe cifar10 --teacher runs/resnet9/model.keras --out runs/cifar10

The graph is that of Page, "How to Train Your ResNet" (2018): four 3×3 convolutions, the last three with a max pool of 2
behind them, and a residual pair of convolutions after the second and the fourth; 64, 128, 256 and 512 channels there,
half as many here, for CPUs. Recipe, loop and data are those of every other run; what the recipe says of a TFormer's
architecture does not apply. The same command again goes on with an interrupted run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.own_graph_command import run_command

if TYPE_CHECKING:
    import keras

WIDTHS = (32, 64, 128, 256)
SIZE = (32, 32)
LOGITS_SCALE = 0.125  # Page's: logits of so wide a layer begin small


def resnet9(
    classes: int = 10,
    widths: tuple[int, int, int, int] = WIDTHS,
    input_shape: tuple[int, int, int] = (*SIZE, 3),
) -> keras.Model:
    """The graph: images `(batch, *input_shape)`, sides multiples of 8, to logits `(batch, classes)`."""
    import keras
    from keras import layers

    def convolved(x: Any, width: int, name: str) -> Any:
        x = layers.Conv2D(
            width, 3, padding="same", use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
        )(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)
        return layers.Activation("relu", name=f"{name}_relu")(x)

    inputs = layers.Input(input_shape, name="image")
    x = convolved(inputs, widths[0], "stem")
    for number, width in enumerate(widths[1:], 1):
        name = f"stage{number}"
        x = layers.MaxPooling2D(2, name=f"{name}_pool")(convolved(x, width, name))
        if number != 2:
            branch = convolved(convolved(x, width, f"{name}_block1"), width, f"{name}_block2")
            x = layers.Add(name=f"{name}_add")([x, branch])
    x = layers.GlobalMaxPooling2D(name="head_pool")(x)
    x = layers.Dense(classes, use_bias=False, name="head_dense", dtype="float32")(x)
    return keras.Model(
        inputs, layers.Rescaling(LOGITS_SCALE, name="head_logits", dtype="float32")(x), name="resnet9"
    )


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    return run_command(argv, "resnet9", resnet9, SIZE, __doc__)


if __name__ == "__main__":
    sys.exit(main())

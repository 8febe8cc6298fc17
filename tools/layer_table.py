"""Writes docs/layers.md: every layer that converts, what it costs, and what is refused. `python -m tools.layer_table`

Each row is measured: the layer in a small model is lowered and compared, converted to int8 for LiteRT and for
TensorFlow Lite Micro, and the file is proven against its graph.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from tformer_edge.errors import UserError
from tformer_edge.files import write_whole
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.pixels import synthetic_pixels
from tformer_keras.deploy.compare.file_proof import prove
from tformer_keras.deploy.conversion import convert
from tformer_keras.deploy.graph.rules.identity_rule import lower_identity
from tformer_keras.deploy.graph.rules.registry import _RULES
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.layers import ChannelShuffle, GroupedPointwise, HybridPooling, LayerScale, StochasticDepth

DOCUMENT = Path(__file__).parents[1] / "docs" / "layers.md"
SIZE = (12, 16)
PREPROCESSING = Preprocessing(SIZE, "stretch", 1.0, (0.5,) * 3, (0.25,) * 3)

Make = Callable[[Any], Any]


def _varied(layer: Any) -> Any:
    """The layer with weights that are not what it begins with: zeros and ones hide faults."""

    def call(x: Any) -> Any:
        y = layer(x)
        random = np.random.default_rng(0)
        for weight in layer.weights:
            last = weight.path.split("/")[-1]
            low = 0.5 if last in ("gamma", "moving_variance", "scale") else -0.4
            if weight.dtype.startswith("float"):
                weight.assign(random.uniform(low, 0.9, weight.shape))
        return y

    return call


def _constant(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, shape).astype("float32")


# What a row is called → the layer on a map of 8 channels.
TABLE: dict[str, Make] = {
    "Conv2D": _varied(layers.Conv2D(6, 3, 2, padding="same")),
    "Conv2D, dilated": _varied(layers.Conv2D(6, 3, dilation_rate=2)),
    "Conv2D, groups": _varied(layers.Conv2D(6, 3, groups=2, padding="same")),
    "DepthwiseConv2D": _varied(layers.DepthwiseConv2D(3, padding="same")),
    "SeparableConv2D": _varied(layers.SeparableConv2D(6, 3, depth_multiplier=2, activation="relu")),
    "Conv2DTranspose": _varied(layers.Conv2DTranspose(6, 3, 2, padding="same")),
    "Dense on maps": _varied(layers.Dense(6)),
    "Dense": lambda x: _varied(layers.Dense(6))(layers.Flatten()(x)),
    "BatchNormalization": _varied(layers.BatchNormalization()),
    "Normalization": layers.Normalization(mean=[0.1] * 8, variance=[0.5] * 8),
    "GroupNormalization": _varied(layers.GroupNormalization(2)),
    "LayerNormalization": _varied(layers.LayerNormalization()),
    "Rescaling": layers.Rescaling(-0.5, -0.25),
    "ReLU": layers.ReLU(),
    "ReLU, maximum 6": layers.ReLU(6),
    "ReLU, another maximum": layers.ReLU(0.7),
    "ReLU, negative slope": layers.ReLU(negative_slope=0.1),
    "LeakyReLU": layers.LeakyReLU(0.2),
    "PReLU, a slope a channel": _varied(layers.PReLU(shared_axes=[1, 2])),
    "PReLU": _varied(layers.PReLU()),
    "ELU": layers.ELU(),
    "Activation: sigmoid": layers.Activation("sigmoid"),
    "Activation: tanh": layers.Activation("tanh"),
    "Activation: silu": layers.Activation("silu"),
    "Activation: gelu": layers.Activation("gelu"),
    "Activation: hard_sigmoid": layers.Activation("hard_sigmoid"),
    "Activation: hard_swish": layers.Activation("hard_swish"),
    "Activation: elu": layers.Activation("elu"),
    "Activation: leaky_relu": layers.Activation("leaky_relu"),
    "Softmax": layers.Softmax(),
    "MaxPooling2D": layers.MaxPooling2D(3, 2, padding="same"),
    "AveragePooling2D": layers.AveragePooling2D(2),
    "GlobalAveragePooling2D": layers.GlobalAveragePooling2D(),
    "GlobalMaxPooling2D": layers.GlobalMaxPooling2D(),
    "Add": lambda x: layers.Add()([x, _varied(layers.Conv2D(8, 1))(x)]),
    "Add, a constant": lambda x: layers.Add()([x, _constant(1, *SIZE, 8)]),
    "Subtract": lambda x: layers.Subtract()([x, _varied(layers.Conv2D(8, 1))(x)]),
    "Multiply": lambda x: layers.Multiply()([x, _varied(layers.Conv2D(8, 1))(x)]),
    "Multiply, a vector": lambda x: layers.Multiply()([x, layers.GlobalAveragePooling2D()(x)]),
    "Maximum": lambda x: layers.Maximum()([x, _varied(layers.Conv2D(8, 1))(x)]),
    "Minimum": lambda x: layers.Minimum()([x, _varied(layers.Conv2D(8, 1))(x)]),
    "Average": lambda x: layers.Average()([x, _varied(layers.Conv2D(8, 1))(x), x]),
    "Concatenate": lambda x: layers.Concatenate()([x, _varied(layers.Conv2D(3, 1))(x)]),
    "Concatenate, a sigmoid among them": lambda x: layers.Concatenate()([x, ops.sigmoid(x)]),
    "Flatten": layers.Flatten(),
    "Reshape": layers.Reshape((SIZE[0], SIZE[1] * 2, 4)),
    "Permute": layers.Permute((2, 1, 3)),
    "ZeroPadding2D": layers.ZeroPadding2D(((1, 2), (0, 3))),
    "Cropping2D": layers.Cropping2D(((1, 2), (0, 3))),
    "UpSampling2D, nearest": layers.UpSampling2D(2),
    "UpSampling2D, bilinear": layers.UpSampling2D(2, interpolation="bilinear"),
    "Resizing": layers.Resizing(9, 20),
    "Dropout and other noise": lambda x: layers.GaussianNoise(0.1)(
        layers.SpatialDropout2D(0.2)(layers.Dropout(0.1)(x))
    ),
    "AlphaDropout": layers.AlphaDropout(0.1),
    "ActivityRegularization": layers.ActivityRegularization(),
    "RandomFlip and other augmentation": lambda x: layers.RandomTranslation(0.1, 0.1)(layers.RandomFlip()(x)),
    "x + y, x * 2, x / 3 - 1": lambda x: (x + _varied(layers.Conv2D(8, 1))(x)) * 2.0 / 3.0 - 1.0,
    "x[:, 1:-1, :, ::-1]": lambda x: x[:, 1:-1, :, ::-1],
    "keras.ops.relu, maximum": lambda x: ops.maximum(ops.relu(x), 0.5),
    "abs(x), x ** 2, keras.ops.square": lambda x: abs(x) + x**2 - ops.square(x - 0.5),
    "keras.ops.clip from 0 on": lambda x: ops.clip(x, 0, 0.6),
    "keras.ops.clip": lambda x: ops.clip(x, -0.4, 0.6),
    "keras.ops.leaky_relu, elu": lambda x: ops.elu(ops.leaky_relu(x, 0.3)),
    "keras.ops.max, mean over the map": lambda x: ops.max(x, (1, 2)) + ops.mean(x, (1, 2)),
    "x[:, 1::2, ::2]": lambda x: x[:, 1::2, ::2],
    "keras.ops.transpose, pad": lambda x: ops.pad(
        ops.transpose(x, (0, 2, 1, 3)), ((0, 0), (0, 2), (1, 0), (0, 0))
    ),
    "keras.ops.expand_dims, squeeze": lambda x: ops.squeeze(ops.expand_dims(x, -1), -1),
    "ChannelShuffle": ChannelShuffle(2),
    "GroupedPointwise": _varied(GroupedPointwise(6, 2)),
    "HybridPooling": HybridPooling((3, 5), ("average", "max")),
    "LayerScale": _varied(LayerScale(0.5)),
    "StochasticDepth": StochasticDepth(0.1),
}


def model_of(make: Make) -> keras.Model:
    """The layer between a convolution, which gives it numbers of both signs, and a head."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((*SIZE, 3), name="image")
    y = make(layers.Conv2D(8, 3, padding="same", name="before")(inputs))
    if len(y.shape) == 4:
        y = layers.Conv2D(5, 1, name="behind")(y)
        y = layers.GlobalAveragePooling2D(name="pool")(y)
    return keras.Model(inputs, layers.Dense(4, name="head")(y), name="layer")


def row(name: str) -> str:
    """One line of the table, measured."""
    model = model_of(TABLE[name])
    cells, remarks = [], []
    for target in ("litert", "micro"):
        try:
            pixels = synthetic_pixels(12, SIZE)
            quantized = quantize_aware(model, target)
            quantized.calibrate([PREPROCESSING.normalise(pixels)])
            conversion = convert(quantized)
            proof = prove(conversion, pixels, PREPROCESSING)
            cells.append(f"yes, {100 * max(proof.files.values()):.0f} %")
        except UserError as error:
            cells.append("no")
            remarks.append(f"{target}: {error.received or error}"[:160])
            continue
        if target == "litert":
            partitions, left = LiteRT(conversion.flatbuffer).delegation()
            cells.append("all" if partitions == 1 and not left else f"but {', '.join(sorted(left))}")
            remarks += [note for note in quantized.notes if "does not fold" in note]
    while len(cells) < 3:
        cells.insert(1, "")
    return f"| {name} | {' | '.join(cells)} | {'; '.join(remarks)} |"


HEAD = """# Layers that convert

Made by `python -m tools.layer_table`, which measures each row in a small model: lowered exactly (within 1e-4 of its
range, batch 1 and 3), converted to int8 by calibration alone, and the file compared with its graph: the percentage is
the root mean square of the difference as a share of the outputs' deviation. "XNNPACK" says whether one partition
computes the whole model; what it leaves runs on LiteRT's own kernels.

| layer | int8, LiteRT | XNNPACK | int8, TFLite Micro | remarks |
|---|---|---|---|---|
"""
FOOT = """
Nothing is left at inference of: {idle}.

Layers of `keras.applications` that have no public name (ConvNeXt's LayerScale and StochasticDepth, InceptionResNetV2's
CustomScaleLayer) convert as well. What has no rule is refused by its name before anything is written.

## A rule of your own

A rule takes a `Call` and adds nodes to its graph; the conversion then proves that the result equals your layer.

```python
# my_rules.py
from my_package import Half
from tformer_keras.deploy.graph.rules import register_rule


@register_rule(Half)
def lower_half(call):
    return call.graph.add(call.node("scale_by", value=0.5))
```

`tformer convert my.keras --rules my_rules.py …` reads it; so do `quantize` and `parity`. It is code, and runs: give
only files that you trust.
"""


def idle() -> list[str]:
    """The layers whose rule gives their input back."""
    return sorted(
        one.__name__ for one, rule in _RULES.items() if rule is lower_identity and isinstance(one, type)
    )


def document(rows: list[str]) -> str:
    """The whole document."""
    names = ", ".join(f"`{name}`" for name in idle())
    return HEAD + "\n".join(rows) + "\n" + FOOT.replace("{idle}", "\n".join(textwrap.wrap(names, 100)))


def main() -> int:
    """Measures all rows."""
    rows = []
    for name in TABLE:
        rows.append(row(name))
        print(rows[-1], file=sys.stderr, flush=True)
    write_whole(DOCUMENT, document(rows).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The smallest backbone, detector and segmenter that have every part, on an input of odd sizes throughout."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from tformer_keras.models import RetinaNet, SemanticFPN, TFormerConfig

# Maps of 18×13, 9×7, 5×4, 3×2; then P6 of 2×1 and P7 of 1×1. One width: JAX compiles an initializer for each new shape.
BACKBONE = TFormerConfig(
    depths=(1, 1, 1, 1),
    widths=(8, 8, 8, 8),
    kernels=(3,),
    input_shape=(70, 52, 3),
    layer_scale=None,
    classes=5,
)
# No block is ever left out of a training step, as stochastic depth would at one step of a hundred.
STEADY = dataclasses.replace(BACKBONE, stochastic_depth=0.0)
DETECTOR: dict[str, Any] = {"classes": 3, "neck_channels": 8, "head_channels": 8, "head_depth": 2}
SEGMENTER: dict[str, Any] = {"classes": 5, "neck_channels": 8, "head_channels": 8}


def detector(**changes: Any) -> keras.Model:
    return RetinaNet(**{"backbone": BACKBONE, **DETECTOR, **changes})


def segmenter(**changes: Any) -> keras.Model:
    return SemanticFPN(**{"backbone": BACKBONE, **SEGMENTER, **changes})


def images(count: int = 2, size: tuple[int, int] = (70, 52)) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, *size, 3)).astype("float32")


def arrays(outputs: Any) -> list[np.ndarray]:
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    return [ops.convert_to_numpy(output) for output in outputs]


def weights_of(model: keras.Model) -> dict[str, dict[str, np.ndarray]]:
    return {
        layer.name: {w.path.split("/")[-1]: ops.convert_to_numpy(w).astype("float64") for w in layer.weights}
        for layer in model.layers
    }


def features(model: keras.Model) -> list[np.ndarray]:
    """What the model's own backbone gives for `images()`, at strides 4 to 32."""
    maps = [model.get_layer(f"stage{stage}_block1_ffn_add").output for stage in (1, 2, 3, 4)]
    return [given.astype("float64") for given in arrays(keras.Model(model.input, maps)(images()))]

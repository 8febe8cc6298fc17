"""A segmenter for tests without training: each cell of 4 × 4 pixels has the class of the colour nearest to its own."""

import keras
import numpy as np

from tformer_edge.contract import ModelFile
from tformer_edge.output_json import Output
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.conversion import convert, model_file
from tformer_keras.deploy.int8.quantized_model import quantize_aware

STRIDE, SIZE = 4, (96, 128)
CLASSES = {
    "sky": (150, 185, 225),
    "plants": (70, 110, 50),
    "shadow": (25, 25, 25),
    "light": (235, 230, 220),
    "red": (190, 60, 60),
    "stone": (130, 120, 105),
}


def colour_segmenter(images: list[np.ndarray]) -> ModelFile:
    """An int8 model file; `images`, uint8 RGB, are what it is calibrated with."""
    # A crop, so that a part of each picture has no class.
    image = Preprocessing(SIZE, "shorter", 0.9, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    colours = (np.array(list(CLASSES.values())) / 255 - 0.5) / 0.25
    inputs = keras.Input((*SIZE, 3))
    mean = keras.layers.Conv2D(3, STRIDE, STRIDE, use_bias=False)
    parts = keras.layers.Conv2D(6, 1, activation="relu")
    nearest = keras.layers.Conv2D(len(CLASSES), 1)
    model = keras.Model(inputs, nearest(parts(mean(inputs))))
    mean.kernel.assign(np.broadcast_to(np.eye(3) / STRIDE**2, (STRIDE, STRIDE, 3, 3)))
    # Positive and negative parts: a ReLU lies between, as in any model.
    parts.kernel.assign(np.concatenate([np.eye(3), -np.eye(3)], axis=1)[None, None])
    # 2 p·x − |p|² is greatest for the p that is nearest to x.
    nearest.kernel.assign(np.concatenate([2 * colours.T, -2 * colours.T])[None, None])
    nearest.bias.assign(-(colours**2).sum(axis=1))
    quantized = quantize_aware(model)
    pixels = np.stack([image.pixels(one) for one in images]).astype(np.float32)
    quantized.calibrate([((pixels / 255 - 0.5) / 0.25).astype(np.float32)])
    means = OutputsMean(
        tuple(CLASSES),
        "logits",
        (Output("classes", "class_logits", STRIDE),),
        colours=tuple(CLASSES.values()),
    )
    return model_file(
        convert(quantized, "int8", "int8", 1),
        name="colours",
        task="segmentation",
        preprocessing=image,
        means=means,
        source={},
        accuracy=None,
        versions={},
    )

"""Calibration: the ranges of a quantized model from real images, the same way for every command."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.deploy.int8.pixel_range import grey_of, pixel_range
from tformer_keras.deploy.int8.quantized_model import QuantizedModel

# Images to calibrate with, evenly spaced among those that there are.
IMAGES = 512
# Ranges are means over batches of each batch's extremes, so this is a part of what decides them.
BATCH = 32


def calibrate(quantized: QuantizedModel, pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> None:
    """Sets every range of a quantized model; that of the input by `pin_pixels`, where the normalisation is such.

    Args:
        quantized: the model.
        pixels: (n, height, width, 3), resized and cropped as evaluation does it.
        preprocessing: normalises them.

    Raises:
        UserError: there is no image.
    """

    def batches() -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(pixels), BATCH):
            yield preprocessing.normalise(pixels[start : start + BATCH])

    pin_pixels(quantized, preprocessing)
    quantized.calibrate(batches())


def pin_pixels(quantized: QuantizedModel, preprocessing: Preprocessing) -> None:
    """Lets a pixel be its own quantized value, also through training, where the normalisation is pixel exact."""
    grey = grey_of(preprocessing)
    if grey is not None:
        quantized.pin_input(*pixel_range(grey, preprocessing.std[0]))

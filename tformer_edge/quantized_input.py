"""From 8-bit pixels to a quantized input tensor, in one step and to the last bit.

The rule: docs/contract.md, "From an image to the input tensor".
"""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing

QuantizedType = Literal["int8", "uint8"]


def input_table(
    preprocessing: Preprocessing, scale: float, zero_point: int, dtype: QuantizedType = "int8"
) -> NDArray[Any]:
    """The quantized value of every pixel value: `dtype`, shape (channels, 256), a row a channel.

    Args:
        preprocessing: gives mean and standard deviation.
        scale, zero_point: of the input tensor, from the flatbuffer. `scale` is the stored float32, positive.
        dtype: the tensor's, "int8" or "uint8".

    Of pixels as they are, `p` for uint8 and `p - 128` for int8, whatever the scale. Otherwise
    ``clip(rint(((p / 255 - mean) / std) / scale) + zero_point, low, high)`` in float64, one operation after the
    other, ties to even. Raises UserError for a scale or zero point that no such tensor has.
    """
    limits = np.iinfo(dtype)
    if not 0 < scale < math.inf or not limits.min <= zero_point <= limits.max:
        raise UserError(
            f"a positive scale and a zero point from {limits.min} to {limits.max}",
            f"{scale!r} and {zero_point!r}",
            "give the values that the input tensor of the .tflite file has",
        )
    if preprocessing.encoding == "pixels":
        return np.tile((np.arange(256) + limits.min).astype(dtype), (preprocessing.channels, 1))
    pixels = np.arange(256, dtype=np.float64) / 255
    real = (pixels - np.array(preprocessing.mean)[:, None]) / np.array(preprocessing.std)[:, None]
    quantized = np.rint(real / np.float64(np.float32(scale))) + zero_point
    return np.clip(quantized, limits.min, limits.max).astype(dtype)


def takes_pixels(table: NDArray[Any]) -> bool:
    """Whether a table gives each pixel itself: p of uint8, p - 128 of int8."""
    own = np.arange(256) + np.iinfo(table.dtype).min
    return bool((table == own.astype(table.dtype)).all())


def quantize_pixels(pixels: NDArray[np.uint8], table: NDArray[Any]) -> NDArray[Any]:
    """Looks `pixels`, uint8 (..., channels), up in `table` = `input_table(...)`; the result has the table's dtype.

    Where the table is that of raw pixels nothing is looked up: `pixels` themselves, or their bytes with the highest bit
    turned, which is p - 128.
    """
    channels = len(table)
    if pixels.dtype != np.uint8 or pixels.shape[-1:] != (channels,):
        raise UserError(
            f"pixels of dtype uint8 and shape (..., {channels})",
            f"{pixels.dtype} {pixels.shape}",
            "convert them",
        )
    if takes_pixels(table):
        return pixels if table.dtype == np.uint8 else (pixels ^ 0x80).view(np.int8)
    return np.stack([table[channel][pixels[..., channel]] for channel in range(channels)], axis=-1)

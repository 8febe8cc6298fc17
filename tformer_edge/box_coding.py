"""Boxes as deltas to anchors ("cxcywh log"), and back to the last bit.

Of a box (centre x, y, width, height) and its anchor (ax, ay, aw, ah):
``dx = (x - ax) / aw``, ``dy = (y - ay) / ah``, ``dw = log(width / aw)``, ``dh = log(height / ah)``.

Decoding, in float64 and in this order of operations, never fused:

1. ``x = ax + dx * aw``, ``y = ay + dy * ah``.
2. ``width = aw * exponential(min(max(dw, -CLIP), CLIP))``, `height` likewise; see `exponential.py`.
3. left, top, right, bottom = ``x - width * 0.5``, ``y - height * 0.5``, ``x + width * 0.5``, ``y + height * 0.5``.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.exponential import exponential
from tformer_edge.runner import TensorInfo

# log(1000 / 16) to three digits: the largest change of an anchor's width and height, 62.5 times, either way.
CLIP = 4.135

Float64 = NDArray[np.float64]


def encode(boxes: Float64, anchors: Float64) -> Float64:
    """What a detector is taught: dx, dy, dw, dh, (…, 4) float64. By NumPy's log, whose last bits may vary.

    Args:
        boxes: (…, 4): left, top, right, bottom.
        anchors: (…, 4): centre x, centre y, width, height.

    Raises ValueError for a box without area.
    """
    sizes = boxes[..., 2:] - boxes[..., :2]
    if not (sizes > 0).all():
        raise ValueError(f"Expected boxes with a width and a height over 0, received {sizes.min()}.")
    centres = boxes[..., :2] + sizes * 0.5
    offsets = (centres - anchors[..., :2]) / anchors[..., 2:]
    return np.concatenate([offsets, np.log(sizes / anchors[..., 2:])], axis=-1)


def decode(deltas: NDArray[Any], info: TensorInfo, anchors: Float64) -> Float64:
    """The boxes of deltas by the rule above: (…, 4) float64, left, top, right, bottom, unclipped.

    Args:
        deltas: (…, 4), int8 or floating-point: dx, dy, dw, dh.
        info: scale and zero point of the map that they come from.
        anchors: (…, 4) float64: centre x, centre y, width, height.

    Raises:
        ValueError: floating-point deltas that are not finite.
        UserError: int8 deltas without a scale.
    """
    if deltas.dtype == np.int8:
        offsets = info.dequantize(deltas[..., :2])
        # -128 is the table's first entry.
        factors = size_table(info.scale, info.zero_point)[deltas[..., 2:].astype(np.int64) + 128]
    else:
        if not np.isfinite(deltas).all():
            raise ValueError("Expected finite deltas, received NaN or infinity.")
        real = info.dequantize(deltas)
        offsets = real[..., :2]
        factors = size_factors(real[..., 2:])
    centres = anchors[..., :2] + offsets * anchors[..., 2:]
    halves = anchors[..., 2:] * factors * 0.5
    return np.concatenate([centres - halves, centres + halves], axis=-1)


def size_factors(deltas: Float64) -> Float64:
    """What an anchor's width or height is multiplied by, for dw or dh in float64 of any shape."""
    return exponential(np.clip(deltas, -CLIP, CLIP))


@lru_cache(maxsize=64)
def size_table(scale: float, zero_point: int) -> Float64:
    """The 256 `size_factors` of an int8 map, read-only, for the values -128 to 127."""
    table = size_factors((np.arange(-128, 128, dtype=np.float64) - zero_point) * scale)
    table.setflags(write=False)
    return table

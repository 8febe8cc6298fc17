"""The resize rule to the last bit: Pillow's antialiased bilinear filter in fixed point, in plain NumPy.

This is the definition that other languages port. `preprocessing.py` runs Pillow's C code instead, which tests
hold equal to this file.

The rule, for one axis that goes from `source` to `target` pixels, in IEEE float64 unless an integer is named:

1. ``scale = source / target``; ``stretch = max(scale, 1)`` (the filter widens only when the image shrinks).
2. Output x looks at ``centre = (x + 0.5) * scale``, from ``first = max(0, trunc(centre - stretch + 0.5))`` up
   to, not including, ``last = min(source, trunc(centre + stretch + 0.5))``.
3. Input j in that range weighs ``max(0, 1 - |(j - centre + 0.5) * (1 / stretch)|)``; the weights are added up
   from left to right and each is divided by the sum.
4. Each weight becomes the integer ``trunc(0.5 + weight * 2**22)``.
5. The pixel is ``clip((2**21 + sum(weight * pixel)) >> 22, 0, 255)`` in 32-bit integers.

The image goes through the horizontal axis first, is stored as uint8, then goes through the vertical axis.
This is Pillow's rule for each axis, and the order that it always kept in earlier versions; Pillow 13.0 takes
the vertical axis first for many images that shrink in height [measured], which changes pixels by up to 1.
We keep the one fixed order.
"""

import math

import numpy as np
from numpy.typing import NDArray

PRECISION_BITS = 22

UInt8 = NDArray[np.uint8]


def coefficients(
    source: int, target: int, start: int, stop: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The taps of output pixels ``start`` to ``stop - 1`` of an axis of `source` to `target` pixels.

    Returns `first`, int64 of shape (stop - start,), the first input pixel that each output looks at, and the
    weights, int32 of shape (stop - start, taps) in units of 2**-22, zero where an output looks at fewer than
    `taps` pixels.
    """
    scale = source / target
    stretch = max(scale, 1.0)
    taps = math.ceil(stretch) * 2 + 1
    centre = (np.arange(start, stop, dtype=np.float64) + 0.5) * scale
    # astype truncates toward zero, as a cast in C or toInt() in Kotlin does.
    first = np.maximum((centre - stretch + 0.5).astype(np.int64), 0)
    last = np.minimum((centre + stretch + 0.5).astype(np.int64), source)
    inputs = first[:, None] + np.arange(taps)
    distance = np.abs((inputs - centre[:, None] + 0.5) * (1.0 / stretch))
    weights = np.where((distance < 1.0) & (inputs < last[:, None]), 1.0 - distance, 0.0)
    # cumsum adds from left to right; numpy's sum adds in pairs, whose last bit may differ.
    weights /= np.cumsum(weights, axis=1)[:, -1:]
    return first, (0.5 + weights * (1 << PRECISION_BITS)).astype(np.int32)


def resize(image: UInt8, size: tuple[int, int], window: tuple[int, int, int, int] | None = None) -> UInt8:
    """Resizes `image`, uint8 of shape (height, width, channels), to `size` = (height, width).

    `window` = (top, left, height, width) asks for only that part of the resized image, at the cost of that part:
    ``resize(image, size, (t, l, h, w))`` equals ``resize(image, size)[t:t + h, l:l + w]``.

    Raises ValueError for another dtype or rank, an empty image or size, or a window outside `size`.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or 0 in image.shape:
        raise ValueError(
            "Expected an image of dtype uint8 and shape (height, width, channels), "
            f"received {image.dtype} {image.shape}."
        )
    if min(size) < 1:
        raise ValueError(f"Expected a size of at least (1, 1), received {size}.")
    top, left, height, width = window if window is not None else (0, 0, *size)
    if min(top, left) < 0 or min(height, width) < 1 or top + height > size[0] or left + width > size[1]:
        raise ValueError(f"Expected a window (top, left, height, width) inside {size}, received {window}.")
    rows, row_weights = coefficients(image.shape[0], size[0], top, top + height)
    columns, column_weights = coefficients(image.shape[1], size[1], left, left + width)
    # Only the rows that the vertical pass will read go through the horizontal one.
    above = int(rows[0])
    below = min(int(rows[-1]) + row_weights.shape[1], image.shape[0])
    narrow = _along_width(image[above:below], columns, column_weights)
    return _along_width(narrow.swapaxes(0, 1), rows - above, row_weights).swapaxes(0, 1).copy()


def _along_width(image: UInt8, first: NDArray[np.int64], weights: NDArray[np.int32]) -> UInt8:
    """Filters axis 1 of (height, width, channels); sums stay under 2**31, as the weights add up to about 2**22."""
    total = np.full((image.shape[0], len(first), image.shape[2]), 1 << (PRECISION_BITS - 1), np.int32)
    for tap in range(weights.shape[1]):
        # Taps past the edge weigh nothing, so any pixel may stand in for them.
        column = np.minimum(first + tap, image.shape[1] - 1)
        total += image[:, column].astype(np.int32) * weights[:, tap, None]
    return np.clip(total >> PRECISION_BITS, 0, 255).astype(np.uint8)

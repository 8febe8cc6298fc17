"""From a segmenter's logits to the class of each pixel, to the last bit.

The logits are enlarged bilinearly, pixel centres at halves, and the highest class wins; equal ones by lower index. A
position stays a fraction and nothing is divided, so int8 logits are compared as whole numbers, exactly.

Along an axis of `source` cells, of which the window from `start` with `length` is shown by `target` pixels:

1. Pixel X looks at ``start + (X + 1/2) * length / target - 1/2``, at least 0 and at most ``source - 1``, in cells.
2. D is the least common denominator of the first of these positions, before it is bounded, and of ``length / target``:
   the position is ``first + f / D`` with whole `first` and f, 0 <= f < D.
3. Of the values p at `first` and q at ``first + 1`` the pixel takes ``p * D + (q - p) * f``, which is D times the mean.
   Where f is 0 it takes ``p * D``.

First along the width, then along the height. int8 values in whole numbers, as they are: scale and zero point change no
order. Floating-point ones in float64, each operation rounded on its own, never fused.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Whole numbers up to here are exact in float64, which takes those that are too large for int32.
EXACT = 1 << 53
MAX_CLASSES = 1 << 16

Window = tuple[Fraction | int, Fraction | int, Fraction | int, Fraction | int]


def class_map(logits: NDArray[Any], size: tuple[int, int], window: Window | None = None) -> NDArray[Any]:
    """The class of each pixel, from 0: uint8 of shape `size`, uint16 for more than 256 classes.

    Args:
        logits: (height, width, classes), int8 or floating-point.
        size: (height, width) in pixels, any.
        window: (top, left, height, width) of what is shown, in cells of the logits and inside them; else all.

    Raises ValueError for other shapes and types, logits that are not finite, and a window outside.
    """
    _check(logits, size)
    height, width, classes = logits.shape
    top, left, tall, wide = window if window is not None else (0, 0, height, width)
    rows, columns = _taps(height, size[0], top, tall), _taps(width, size[1], left, wide)
    integers = logits.dtype == np.int8
    # A class is packed below its value: of equal values the lower class is the greater number.
    largest = 256 * rows.denominator * columns.denominator * classes
    if integers and largest >= EXACT:
        raise ValueError(
            "Expected positions that are shorter fractions of cells, "
            f"received {rows.denominator}ths and {columns.denominator}ths."
        )
    kind = np.dtype(np.int32 if integers and largest < 1 << 31 else np.float64)
    packing = classes if integers else 1
    rank = np.arange(classes - 1, -1, -1, dtype=kind)[:, None] if integers else kind.type(0)
    answer = np.empty(size, np.uint8 if classes <= 256 else np.uint16)
    wide_rows: dict[int, NDArray[Any]] = {}
    base, step, line = (np.empty((classes, size[1]), kind) for _ in range(3))
    seen = -1
    # One row of pixels at a time: its scores, (classes, pixels), stay in a cache.
    for y, (first, weight) in enumerate(zip(rows.first.tolist(), rows.weight.astype(kind), strict=True)):
        if first != seen:
            wide_rows = {
                row: wide_rows[row] if row in wide_rows else _widened(logits[row], columns, kind, packing)
                for row in (first, min(first + 1, height - 1))
            }
            np.multiply(wide_rows[first], kind.type(rows.denominator), out=base)
            np.subtract(wide_rows[min(first + 1, height - 1)], wide_rows[first], out=step)
            base += rank
            seen = first
        np.multiply(step, weight, out=line)
        line += base
        if integers:
            answer[y] = classes - 1 - line.max(axis=0).astype(np.int64) % classes
        else:
            answer[y] = line.argmax(axis=0)
    return answer


def areas(classes_of_pixels: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Pixels a class, (classes,) int64, of a `class_map`."""
    total = np.zeros(classes, np.int64)
    for row in range(0, len(classes_of_pixels), 64):
        total += np.bincount(classes_of_pixels[row : row + 64].ravel(), minlength=classes)
    return total


@dataclass(frozen=True)
class Axis:
    """Where the pixels of an axis look: pixel X at ``begin + step * X``, bounded to the first and the last cell.

    Attributes: in parts of a cell, of which `denominator` are a whole one.
    """

    begin: int
    step: int
    denominator: int


def axis(source: int, target: int, start: Fraction | int, length: Fraction | int) -> Axis:
    """Of `source` cells, of which the window from `start` with `length` is shown by `target` pixels.

    Raises ValueError for a window that is empty or outside, and for fractions too long to be exact.
    """
    if not (start >= 0 and length > 0 and start + length <= source):
        raise ValueError(f"Expected a window inside {source} cells, received {length} from {start}.")
    step = Fraction(length) / target
    begin = start + step / 2 - Fraction(1, 2)
    denominator = math.lcm(begin.denominator, step.denominator)
    if denominator * source >= EXACT:
        raise ValueError(
            f"Expected positions that are shorter fractions of cells, received {denominator}ths."
        )
    return Axis(int(begin * denominator), int(step * denominator), denominator)


@dataclass(frozen=True, eq=False)
class _Taps:
    """Where the pixels of an axis look: ``first + weight / denominator``, both (pixels,) int64, `first` ascending."""

    first: NDArray[np.int64]
    weight: NDArray[np.int64]
    denominator: int


def _taps(source: int, target: int, start: Fraction | int, length: Fraction | int) -> _Taps:
    rule = axis(source, target, start, length)
    position = rule.begin + rule.step * np.arange(target, dtype=np.int64)
    first, weight = np.divmod(np.clip(position, 0, (source - 1) * rule.denominator), rule.denominator)
    return _Taps(first, weight, rule.denominator)


def _widened(row: NDArray[Any], columns: _Taps, kind: np.dtype[Any], packing: int) -> NDArray[Any]:
    """(classes, pixels): a row of logits, (cells, classes), times `packing`, along the width."""
    cells = row.T.astype(kind) * kind.type(packing)
    steps = np.zeros_like(cells)
    np.subtract(cells[:, 1:], cells[:, :-1], out=steps[:, :-1])
    wide = steps.take(columns.first, axis=1)
    wide *= columns.weight.astype(kind)
    wide += (cells * columns.denominator).take(columns.first, axis=1)
    return wide


def _check(logits: NDArray[Any], size: tuple[int, int]) -> None:
    """Raises ValueError, see `class_map`."""
    if logits.ndim != 3 or 0 in logits.shape or logits.shape[2] > MAX_CLASSES:
        raise ValueError(f"Expected logits (height, width, classes), received {logits.shape}.")
    if min(size) < 1:
        raise ValueError(f"Expected a size of at least (1, 1), received {size}.")
    if logits.dtype != np.int8 and not np.issubdtype(logits.dtype, np.floating):
        raise ValueError(f"Expected logits of int8 or of floats, received {logits.dtype}.")
    if logits.dtype != np.int8 and not np.isfinite(logits).all():
        raise ValueError("Expected finite logits, received NaN or infinity.")

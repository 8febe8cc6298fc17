"""Anchors: the boxes that a detector's deltas are relative to, some shapes at each cell of a level's map."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# RetinaNet, section 4: three octave scales and three ratios on P3 to P7.
STRIDES = (8, 16, 32, 64, 128)
SCALES = tuple(4 * 2 ** (k / 3) for k in range(3))
RATIOS = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class AnchorLevel:
    """The anchors of one map: at each of its cells the same shapes.

    Attributes:
        stride: pixels of the input between two cells, along both axes.
        shapes: (width, height) an anchor, in pixels of the input.

    Raises ValueError for a stride under 1, no shape, and sizes that are not positive numbers.
    """

    stride: int
    shapes: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if type(self.stride) is not int or self.stride < 1:
            raise ValueError(f"Expected a stride of at least 1 pixel, received {self.stride!r}.")
        sizes = [size for shape in self.shapes for size in shape]
        if not sizes or any(len(shape) != 2 for shape in self.shapes):
            raise ValueError(f"Expected shapes (width, height), received {self.shapes!r}.")
        if not all(math.isfinite(size) and size > 0 for size in sizes):
            raise ValueError(f"Expected widths and heights over 0, received {self.shapes!r}.")

    def at(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], numbers: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(…, 4) float64: centre x, centre y, width, height of the anchors of those numbers at those cells.

        The centres are ``(column + 0.5) * stride`` and ``(row + 0.5) * stride``, in pixels of the input.
        """
        shapes = np.array(self.shapes, np.float64)[numbers]
        anchors = np.empty((*np.broadcast_shapes(rows.shape, columns.shape, numbers.shape), 4))
        anchors[..., 0] = (columns + 0.5) * self.stride
        anchors[..., 1] = (rows + 0.5) * self.stride
        anchors[..., 2:] = shapes
        return anchors

    def grid(self, height: int, width: int) -> NDArray[np.float64]:
        """All anchors of a map, as `at`: (height, width, anchors, 4)."""
        rows, columns, numbers = np.ogrid[:height, :width, : len(self.shapes)]
        return self.at(rows, columns, numbers)


def of_retinanet(
    strides: Sequence[int] = STRIDES,
    scales: Sequence[float] = SCALES,
    ratios: Sequence[float] = RATIOS,
) -> tuple[AnchorLevel, ...]:
    """One level a stride, each with ``len(ratios) * len(scales)`` shapes: the first ratio in all scales, then the next.

    A scale is the side of a square of the anchor's area, in strides; a ratio is height / width. The order is not stated
    by the paper; this is MMDetection's. A device takes the shapes as numbers and need not compute them.
    """
    levels = []
    for stride in strides:
        shapes: list[Any] = []
        for ratio in ratios:
            root = math.sqrt(ratio)
            shapes += [(stride * scale / root, stride * scale * root) for scale in scales]
        levels.append(AnchorLevel(stride, tuple(shapes)))
    return tuple(levels)

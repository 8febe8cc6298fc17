"""Where a picture lies in a model's input: exact fractions, from which boxes and class maps find their way back."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# docs/contract.md: what `crop_fraction` allows.
LONGEST = 32_768

Size = tuple[int, int]
Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True)
class Frame:
    """The part of a picture that fills the input.

    Attributes:
        picture: (height, width) of the picture, in its pixels.
        size: (height, width) of the input, in its pixels.
        box: (top, left, height, width) in the picture's pixels of what the input shows. Smaller than the picture
            where it is cropped; larger, and beginning below 0, where it is padded.
    """

    picture: Size
    size: Size
    box: tuple[Fraction, Fraction, Fraction, Fraction]

    @classmethod
    def of(cls, numbers: Sequence[float], size: Size) -> "Frame":
        """The frame of (height, width, top, left, tall, wide) in float64, of the picture and of the box.

        The box' fractions are found again exactly: the sides of a resized picture, up to `LONGEST`, divide them.
        """
        height, width, *box = (float(number) for number in numbers)
        top, left, tall, wide = (Fraction(side).limit_denominator(LONGEST) for side in box)
        return cls((int(height), int(width)), size, (top, left, tall, wide))

    def to_picture(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4), left, top, right, bottom, from the input's pixels to the picture's, clipped to the picture.

        ``left + x * step`` in float64, with `left` and ``step = width / input width`` rounded to float64 once.
        """
        top, left, tall, wide = self.box
        offset = np.array([float(left), float(top)] * 2)
        step = np.array([float(wide / self.size[1]), float(tall / self.size[0])] * 2)
        height, width = self.picture
        return (boxes * step + offset).clip(0.0, [width, height, width, height])

    def to_input(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Boxes (n, 4), left, top, right, bottom, from the picture's pixels to the input's; not clipped."""
        top, left, tall, wide = self.box
        offset = np.array([float(left), float(top)] * 2)
        step = np.array([float(self.size[1] / wide), float(self.size[0] / tall)] * 2)
        return (boxes - offset) * step

    def seen(self) -> Rectangle:
        """(top, left, height, width): the picture's pixels that the input shows whole; perhaps none."""
        top, left, tall, wide = self.box
        first = max(0, math.ceil(top)), max(0, math.ceil(left))
        last = min(self.picture[0], math.floor(top + tall)), min(self.picture[1], math.floor(left + wide))
        return first[0], first[1], max(0, last[0] - first[0]), max(0, last[1] - first[1])

    def window(self, cells: Size) -> tuple[Fraction, Fraction, Fraction, Fraction]:
        """(top, left, height, width) of `seen`, in cells of a map (height, width) that covers the whole input.

        What `class_maps.class_map` takes.
        """
        top, left, height, width = self.seen()
        down, right, tall, wide = self.box
        row, column = cells[0] / tall, cells[1] / wide  # cells a pixel of the picture
        return (top - down) * row, (left - right) * column, height * row, width * column

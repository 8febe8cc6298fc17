"""A picture's file of which no more is decoded than is asked for: a part of it, a JPEG's at a part of its size."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge.images import ImageSource, decoded, name_of, opened, orientation_of

_JPEG = ("JPEG", "MPO")  # Pillow's name for one with more pictures behind it, as phones write them
PARTS = (8, 4, 2, 1)  # a JPEG is decoded at 1 / these of its size
# Of these a part is cut out before it is made RGB; the others have palettes or sixteen bits.
_CUT_MODES = ("RGB", "L", "CMYK")
_TRANSPOSE = Image.Transpose
_TURNS = {
    2: _TRANSPOSE.FLIP_LEFT_RIGHT,
    3: _TRANSPOSE.ROTATE_180,
    4: _TRANSPOSE.FLIP_TOP_BOTTOM,
    5: _TRANSPOSE.TRANSPOSE,
    6: _TRANSPOSE.ROTATE_270,
    7: _TRANSPOSE.TRANSVERSE,
    8: _TRANSPOSE.ROTATE_90,
}
# Orientations in which the file's last row or column comes first.
_ROWS_TURNED, _COLUMNS_TURNED, _SWAPPED = (3, 4, 7, 8), (2, 3, 6, 7), (5, 6, 7, 8)


@dataclass(frozen=True)
class PictureSize:
    """What a file's header says.

    Attributes:
        size: (height, width) of what `open_image` gives.
        most: 1, 2, 4 or 8: the file can be decoded at 1 / this of its size and all greater shares.
    """

    size: tuple[int, int]
    most: int


class PictureFile:
    """A file whose header has been read, from `picture_file`. Its pixels are asked for once: `pixels` or `part`."""

    def __init__(self, image: Image.Image, name: str) -> None:
        self._image, self._name = image, name
        self._whole: NDArray[np.uint8] | None = None
        if image.format not in _JPEG:
            image.load()  # only then is it known how a PNG or a TIFF is to be turned
        self._orientation = orientation_of(image)
        tall, wide = image.height, image.width
        size = (wide, tall) if self._orientation in _SWAPPED else (tall, wide)
        if image.mode not in _CUT_MODES or image.has_transparency_data:
            self._whole = decoded(image, name)
            size = self._whole.shape[0], self._whole.shape[1]
        # Where there is a configuration, the file is so large that `opened` has asked for a part.
        reducible = image.format in _JPEG and self._whole is None and not getattr(image, "decoderconfig", ())
        self.header = PictureSize(size, self._greatest(size) if reducible else 1)

    def pixels(self, parts: int = 1) -> NDArray[np.uint8]:
        """The whole picture at 1 / parts, each side rounded up; `parts` of 1, 2, 4 or 8 up to `header.most`.

        Row i shows the picture's rows from i · parts to (i + 1) · parts.
        """
        if self._whole is not None:
            return self._whole
        self._reduce(parts)
        return decoded(self._image, self._name)

    def part(self, rows: tuple[int, int], columns: tuple[int, int], parts: int = 1) -> Image.Image:
        """`pixels(parts)[rows[0]:rows[1], columns[0]:columns[1]]`, which lie in it, as an RGB picture."""
        (top, bottom), (left, right) = rows, columns
        if self._whole is not None:
            return Image.fromarray(np.ascontiguousarray(self._whole[top:bottom, left:right]))
        self._reduce(parts)
        self._image.load()
        tall, wide = self._image.height, self._image.width
        if self._orientation in _SWAPPED:
            tall, wide = wide, tall
        if self._orientation in _ROWS_TURNED:
            top, bottom = tall - bottom, tall - top
        if self._orientation in _COLUMNS_TURNED:
            left, right = wide - right, wide - left
        box = (top, left, bottom, right) if self._orientation in _SWAPPED else (left, top, right, bottom)
        cut = self._image.crop(box)
        if cut.mode != "RGB":  # which would be one more copy
            cut = cut.convert("RGB")
        turn = _TURNS.get(self._orientation)
        return cut if turn is None else cut.transpose(turn)

    def _greatest(self, size: tuple[int, int]) -> int:
        """A side that is turned round would begin with what is left over, where the parts do not divide it."""
        turned = (self._orientation in _ROWS_TURNED, self._orientation in _COLUMNS_TURNED)
        divided = math.gcd(*(side for side, yes in zip(size, turned, strict=True) if yes))
        return next(parts for parts in PARTS if divided % parts == 0 and parts <= min(size))

    def _reduce(self, parts: int) -> None:
        if parts > 1:
            # `draft` takes the greatest part at which both sides are at least as long as it is asked for.
            self._image.draft(None, (self._image.width // parts, self._image.height // parts))


@contextlib.contextmanager
def picture_file(source: ImageSource) -> Iterator[PictureFile]:
    """Opens `source`; what is asked of it is asked within the context.

    Raises ImageError as `open_image` does.
    """
    with opened(source) as image:
        yield PictureFile(image, name_of(source))

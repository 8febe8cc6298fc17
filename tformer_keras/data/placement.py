"""Where the pixels of a picture go in a model's input: drawn first, then applied to whatever lies in the picture."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge.picture_file import PARTS, PictureFile
from tformer_edge.preprocessing import resize_picture
from tformer_keras.tasks.annotations import UNLABELLED

Box = tuple[float, float, float, float]
Span = tuple[int, int]


@dataclass(frozen=True)
class Placement:
    """A box of the picture fills the input; then it is mirrored, then moved.

    Attributes:
        box: (top, left, height, width) in the picture's pixels. Whole numbers for a random crop; of evaluation's
            resize and crop they need not be.
        flip: whether left and right are exchanged.
        shift: (down, right) in the input's pixels, after the flip; what comes in from outside is border.
    """

    box: Box
    flip: bool = False
    shift: tuple[int, int] = (0, 0)

    def move_boxes(self, boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        """Boxes (n, 4), left, top, right, bottom, from the picture's pixels to an input's of `size`; not clipped."""
        top, left, tall, wide = self.box
        down, right = self.shift
        scale = np.array([size[1] / wide, size[0] / tall] * 2)
        moved = (boxes - np.array([left, top] * 2)) * scale
        if self.flip:
            moved[:, [0, 2]] = size[1] - moved[:, [2, 0]]
        return np.asarray(moved + np.array([right, down] * 2))

    def visible_share(self, boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        """(n,) the share of each box's area, in the picture's pixels, that the input shows; 0 without an area."""
        moved = self.move_boxes(boxes, size)
        area = np.prod(moved[:, 2:] - moved[:, :2], axis=1)
        clipped = moved.clip(0.0, [size[1], size[0]] * 2)
        seen = np.prod(clipped[:, 2:] - clipped[:, :2], axis=1)
        return np.divide(seen, area, out=np.zeros_like(area), where=area > 0)

    def move_mask(
        self, mask: NDArray[np.int32], size: tuple[int, int], border: int = UNLABELLED
    ) -> NDArray[np.int32]:
        """A mask (h, w) of the picture as an input of `size` shows it, (H, W): the pixel under each centre.

        `border`: of what lies outside the picture.
        """
        top, left, tall, wide = self.box
        down, right = self.shift
        rows = np.floor(top + (np.arange(size[0]) - down + 0.5) * (tall / size[0])).astype(np.int64)
        columns = np.arange(size[1]) - right
        if self.flip:
            columns = size[1] - 1 - columns
        columns = np.floor(left + (columns + 0.5) * (wide / size[1])).astype(np.int64)
        # What a shift brings in is no part of the picture, even where the crop would have more of it.
        inside = (np.arange(size[0]) >= down) & (np.arange(size[0]) < size[0] + down)
        rows = np.where(inside, rows, -1)
        inside = (np.arange(size[1]) >= right) & (np.arange(size[1]) < size[1] + right)
        columns = np.where(inside, columns, -1)
        # Row by row, then column by column: a pair of places for each pixel would cost more than the copy between.
        found = mask.take(rows, axis=0, mode="clip").take(columns, axis=1, mode="clip")
        found[(rows < 0) | (rows >= mask.shape[0])] = border
        found[:, (columns < 0) | (columns >= mask.shape[1])] = border
        return found


def crop_pixels(
    image: NDArray[np.uint8], box: Box, size: tuple[int, int], ground: int = 0, parts: int = 1
) -> NDArray[np.uint8]:
    """The box, of whole numbers, of a picture, resized to `size` = (height, width).

    Where the box reaches past the picture it is `ground`.

    Args:
        image: uint8 (h, w, 3), the picture at 1 / parts of its size.
        box: in the picture's own pixels.

    Returns:
        uint8 (height, width, 3).
    """

    def part(rows: Span, columns: Span) -> Image.Image:
        return Image.fromarray(np.ascontiguousarray(image[slice(*rows), slice(*columns)]))

    return _crop(part, image.shape[:2], box, size, ground, parts)


def crop_file(
    file: PictureFile, box: Box, size: tuple[int, int], ground: int = 0, parts: int = 1
) -> NDArray[np.uint8]:
    """`crop_pixels(file.pixels(parts), box, size, ground, parts)`, and no more of the picture is made than it needs."""
    shape = tuple(-(-side // parts) for side in file.header.size)
    return _crop(lambda rows, columns: file.part(rows, columns, parts), shape, box, size, ground, parts)


def fewest_pixels(box: Box, size: tuple[int, int], most: int) -> int:
    """The greatest of `PARTS` up to `most`, by which a picture's sides may be divided before `box` is resized to
    `size`: what is cut out must not be smaller than that."""
    return next(parts for parts in PARTS if parts == 1 or _fits(box, size, parts, most))


def _fits(box: Box, size: tuple[int, int], parts: int, most: int) -> bool:
    return parts <= most and box[2] >= parts * size[0] and box[3] >= parts * size[1]


def _crop(
    part: Callable[[Span, Span], Image.Image],
    shape: tuple[int, ...],
    box: Box,
    size: tuple[int, int],
    ground: int,
    parts: int,
) -> NDArray[np.uint8]:
    top, left, height, width = (side / parts for side in box)
    bottom, right = top + height, left + width
    rows, columns = (math.floor(top), math.ceil(bottom)), (math.floor(left), math.ceil(right))
    seen_rows = max(rows[0], 0), max(min(rows[1], shape[0]), 0)
    seen_columns = max(columns[0], 0), max(min(columns[1], shape[1]), 0)
    picture = part(seen_rows, seen_columns)
    if (seen_rows, seen_columns) != (rows, columns):
        whole = Image.new("RGB", (columns[1] - columns[0], rows[1] - rows[0]), (ground,) * 3)
        whole.paste(picture, (seen_columns[0] - columns[0], seen_rows[0] - rows[0]))
        picture = whole
    inside = (left - columns[0], top - rows[0], right - columns[0], bottom - rows[0])
    return resize_picture(picture, size, inside)


def move_pixels(pixels: NDArray[np.uint8], placements: Sequence[Placement], border: str) -> NDArray[np.uint8]:
    """Flips and shifts a batch.

    Args:
        pixels: (b, H, W, C), cropped and resized; left as it is.
        placements: one an image.
        border: what a shift brings in: "zero" (black) or "reflect" (mirrored, the edge pixel repeated).

    Returns:
        A new array of the same shape and dtype.
    """
    reach = max((abs(side) for placement in placements for side in placement.shift), default=0)
    height, width = pixels.shape[1:3]
    # NumPy calls "symmetric" what Keras calls "reflect".
    mode: Literal["constant", "symmetric"] = "constant" if border == "zero" else "symmetric"
    padded = np.pad(pixels, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode=mode) if reach else pixels
    result = np.empty_like(pixels)
    for row, placement in enumerate(placements):
        down, right = placement.shift
        top, left = reach - down, reach - right
        if placement.flip:  # the flip comes first: read the padded image from its right end
            end = width + 2 * reach - left
            seen = padded[row, top : top + height, end - width : end]
            # Channel by channel: NumPy is slow where it turns pixels of three bytes.
            for channel in range(pixels.shape[3]):
                result[row, :, :, channel] = seen[:, ::-1, channel]
        else:
            result[row] = padded[row, top : top + height, left : left + width]
    return result

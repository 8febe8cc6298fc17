"""Where the pixels of a picture go in a model's input: drawn first, then applied to whatever lies in the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tformer_edge.preprocessing import fast_resize

Box = tuple[float, float, float, float]


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


def crop_pixels(image: NDArray[np.uint8], box: Box, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The box, of whole numbers, of an image uint8 (h, w, 3), resized to `size` = (height, width)."""
    top, left, height, width = (int(side) for side in box)
    return fast_resize(np.ascontiguousarray(image[top : top + height, left : left + width]), size)


def move_pixels(
    pixels: NDArray[np.float32], placements: Sequence[Placement], border: str
) -> NDArray[np.float32]:
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
            result[row] = padded[row, top : top + height, end - width : end][:, ::-1]
        else:
            result[row] = padded[row, top : top + height, left : left + width]
    return result

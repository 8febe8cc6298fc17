"""What a dataset knows of one picture, where that is more than its class: boxes, or a class for each pixel.

All in the pixels of the picture as people see it: turned as its EXIF orientation says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A pixel of which nothing is known: it teaches nothing and is not judged.
UNLABELLED = -1


@dataclass(frozen=True, eq=False)
class BoxAnnotation:
    """The things in one picture; there may be none.

    Attributes:
        size: (height, width) of the picture in pixels.
        boxes: (n, 4) float64: left, top, right, bottom in pixels, inside the picture, with an area.
        labels: (n,) int64, their classes, from 0.
        crowd: (n,) bool: a box around many things of its class (COCO's `iscrowd`): not learnt, and neither found nor
            missed in evaluation.
        areas: (n,) float64, pixels of the thing: COCO's `area`, which follows its outline; elsewhere its box' area.
    """

    size: tuple[int, int]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    areas: NDArray[np.float64]

    def fingerprint(self) -> bytes:
        """Other bytes for other annotations: by them a run knows that it goes on with the same data."""
        parts = (self.boxes, self.labels, self.crowd, self.areas)
        return b"".join([repr(self.size).encode(), *(part.tobytes() for part in parts)])


@dataclass(frozen=True, eq=False)
class MaskAnnotation:
    """The class of each pixel of one picture.

    Attributes:
        size: (height, width) of the picture in pixels.
        read: gives the classes, int32 of shape `size`, from 0, `UNLABELLED` where nothing is known. Decodes a file;
            called from several threads. Raises UserError naming a file that cannot be decoded.
    """

    size: tuple[int, int]
    read: Callable[[], NDArray[np.int32]]

    def fingerprint(self) -> bytes:
        """As `BoxAnnotation.fingerprint`, of the size alone: all masks are too much to read before a run."""
        return repr(self.size).encode()

"""Boxes of annotation files, put right: inside their picture, with an area, none twice; what was done is counted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tformer_edge.image_files import LeftOut
from tformer_keras.tasks.annotations import BoxAnnotation

Size = tuple[int, int]


def clean_boxes(
    boxes: Sequence[Sequence[float]] | NDArray[np.float64],
    labels: Sequence[int],
    size: Size,
    left_out: LeftOut,
    crowd: Sequence[bool] | None = None,
    areas: Sequence[float] | None = None,
) -> BoxAnnotation:
    """The annotation of a picture.

    Boxes that reach past the picture are clipped. Those without an area in it, those with a side that is no finite
    number, and the second of two equal ones of a class are left out. `left_out` counts each.

    Args:
        boxes: (n, 4): left, top, right, bottom in pixels of the picture.
        labels: (n,), from 0.
        size: (height, width) of the picture.
        left_out: is added to.
        crowd: (n,); None: no crowds.
        areas: (n,); None: of the boxes, clipped.
    """
    given = np.asarray(boxes, np.float64).reshape(-1, 4)
    numbers = np.asarray(labels, np.int64)
    crowds = np.zeros(len(given), bool) if crowd is None else np.asarray(crowd, bool)
    finite = np.asarray(np.isfinite(given).all(axis=1))
    clipped = np.where(finite.reshape(-1, 1), given, 0.0).clip(0.0, [size[1], size[0]] * 2)
    with_area = ((clipped[:, 2:] - clipped[:, :2]) > 0).all(axis=1)
    left_out["boxes that reached past their picture (clipped)"] += int(
        (with_area & (clipped != given).any(axis=1)).sum()
    )
    left_out["boxes without an area in their picture"] += int((~with_area).sum())
    keep, seen = [], set()
    for index in np.flatnonzero(with_area).tolist():
        key = (int(numbers[index]), *clipped[index].tolist())
        if key in seen:
            left_out["boxes that were there twice"] += 1
            continue
        seen.add(key)
        keep.append(index)
    own = (clipped[:, 2:] - clipped[:, :2]).prod(axis=1)
    sizes = own if areas is None else np.asarray(areas, np.float64)
    for why in [why for why, count in left_out.items() if not count]:
        del left_out[why]
    return BoxAnnotation(size, clipped[keep], numbers[keep], crowds[keep], sizes[keep])


def turn_boxes(boxes: NDArray[np.float64], stored: Size, orientation: int) -> NDArray[np.float64]:
    """Boxes (n, 4) of a picture as it is stored, (height, width), in the pixels of the picture as it is seen.

    `orientation`: EXIF's, 1 to 8.
    """
    height, width = stored
    left, top, right, bottom = np.asarray(boxes, np.float64).reshape(-1, 4).T
    if orientation in (2, 3):
        left, right = width - right, width - left
    if orientation in (3, 4):
        top, bottom = height - bottom, height - top
    if orientation >= 5:
        # The stored rows are columns to the eye: 5 is this transposition alone.
        left, top, right, bottom = top, left, bottom, right
        if orientation in (6, 7):
            left, right = height - right, height - left
        if orientation in (7, 8):
            top, bottom = width - bottom, width - top
    return np.stack([left, top, right, bottom], axis=1)


def as_seen(
    boxes: NDArray[np.float64], said: Size | None, seen: Size, orientation: int
) -> NDArray[np.float64]:
    """Boxes as the picture is seen.

    Annotation tools show pictures turned or not; a file that says a size tells which. Where it is the stored picture's,
    whose sides the orientation exchanges, the boxes are turned with it; otherwise they are taken as they stand.
    """
    stored = (seen[1], seen[0])
    if orientation >= 5 and said == stored and said != seen:
        return turn_boxes(boxes, stored, orientation)
    return boxes

"""Segmented images, the worst first: the true classes beside those that were answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tformer_edge.palette import colours
from tformer_keras.tasks.annotations import UNLABELLED
from tformer_keras.tasks.sheet import Evaluated, Side, draw_sheet

# The classes' share of a pixel's colour.
BLEND = 0.6


@dataclass(frozen=True, eq=False)
class AnsweredImage:
    """One image's answer.

    Attributes:
        quality: mean intersection over union of the classes in its truth or its answer, 0 to 1.
        number: of the image, as its judge got it.
        classes: int32 (at least height, at least width): the class answered for each pixel of the picture, in the
            corner; `UNLABELLED` for those that the input does not show.
    """

    quality: float
    number: int
    classes: NDArray[np.int32]


def draw_worst(answered: Sequence[AnsweredImage], images: Evaluated, class_names: tuple[str, ...]) -> bytes:
    """PNG of images.

    Args:
        answered: in the order to show, at least one.
        images: all that were evaluated.
        class_names: in the order of the labels.
    """
    pairs = []
    for one in answered:
        pixels, mask = images.pixels(one.number), images.annotation(one.number).read()
        height, width = mask.shape
        truth = _blended(images.name(one.number), pixels, mask, len(class_names))
        caption = f"mIoU {100 * one.quality:.1f} %"
        pairs.append((truth, _blended(caption, pixels, one.classes[:height, :width], len(class_names))))
    title = f"The worst of {len(images.order)} images by their own mIoU: truth beside answer"
    return draw_sheet(title, pairs, class_names)


def _blended(caption: str, pixels: NDArray[np.uint8], mask: NDArray[np.int32], classes: int) -> Side:
    table = np.array([*colours((), classes), (0, 0, 0)], np.float32)
    known = (mask != UNLABELLED)[..., None] * np.float32(BLEND)
    mixed = pixels + known * (table[mask] - pixels)
    labels = np.unique(mask[mask != UNLABELLED]).tolist()
    return Side(caption, np.rint(mixed).astype(np.uint8), labels=labels)

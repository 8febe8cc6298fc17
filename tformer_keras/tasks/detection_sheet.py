"""What a detector found in each image and what it missed, as numbers and as a sheet of the worst images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tformer_keras.tasks.sheet import SHOWN, Evaluated, ShownBox, Side, draw_sheet

Line = Literal["solid", "dashed", "dotted"]


@dataclass(frozen=True, eq=False)
class Matched:
    """The boxes of one image against its things.

    Attributes:
        boxes: (n, 7), rows of `DetectionJudge.found` whose score is shown.
        things: (m, 8), rows of `DetectionJudge.things`.
        right: (n,) bool: of a thing's class, overlapping it by enough, and no better box does.
        ignored: (n,) bool: neither right nor wrong, because it lies in a crowd of its class.
        found: (m,) bool: things that a right box belongs to; of crowds False.
    """

    boxes: NDArray[np.float64]
    things: NDArray[np.float64]
    right: NDArray[np.bool_]
    ignored: NDArray[np.bool_]
    found: NDArray[np.bool_]

    @property
    def wrong(self) -> int:
        """Boxes that are neither right nor ignored."""
        return int((~self.right & ~self.ignored).sum())

    @property
    def missed(self) -> int:
        """Things that are not found, crowds left out."""
        return int(((self.things[:, 2] == 0) & ~self.found).sum())

    @property
    def quality(self) -> float:
        """F1, 0 to 1: twice the right boxes over boxes and things; 1 where there are neither."""
        right = 2 * int(self.right.sum())
        return right / total if (total := right + self.wrong + self.missed) else 1.0


def match(
    found: NDArray[np.float64], things: NDArray[np.float64], images: int, score: float, same: float
) -> list[Matched]:
    """Pairs boxes and things of each image, the best boxes first.

    Args:
        found, things: as `DetectionJudge` collects them: rows by image, ascending.
        images: how many there are.
        score: of the boxes that count: above it.
        same: the overlap from which a box and a thing of its class are one; also the share of a box that must lie in a
            crowd.
    """
    found = found[found[:, 2] > score]
    first, second = (np.searchsorted(rows[:, 0], np.arange(images + 1)) for rows in (found, things))
    return [
        _match(found[first[image] : first[image + 1]], things[second[image] : second[image + 1]], same)
        for image in range(images)
    ]  # fmt: skip


def _match(boxes: NDArray[np.float64], things: NDArray[np.float64], same: float) -> Matched:
    boxes = boxes[np.argsort(-boxes[:, 2], kind="stable")]
    crowd = things[:, 2] != 0
    right, ignored = np.zeros((2, len(boxes)), bool)
    found = np.zeros(len(things), bool)
    for number, box in enumerate(boxes if len(things) else ()):
        inter, overlap = overlaps(box[3:], things[:, 4:])
        alike = things[:, 1] == box[1]
        overlap = np.where(alike & ~crowd & ~found, overlap, 0.0)
        best = int(overlap.argmax())
        if overlap[best] >= same:
            right[number] = found[best] = True
        else:
            own = (box[5:] - box[3:5]).prod()
            ignored[number] = bool((inter[alike & crowd] >= same * own).any())
    return Matched(boxes, things, right, ignored, found)


def overlaps(
    box: NDArray[np.float64], others: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(areas that a box shares with others, those over the union): boxes of left, top, right, bottom."""
    sides = (np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])).clip(0.0)
    inter = sides.prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    return inter, inter / np.maximum((box[2:] - box[:2]).prod() + areas - inter, 1e-12)


def draw_worst(
    matched: list[Matched], images: Evaluated, class_names: tuple[str, ...], score: float, same: float
) -> bytes:
    """PNG of the images with the least quality, of equal ones those with the most mistakes.

    Args:
        matched: of each image.
        images: the same, in the same order.
        class_names: in the order of the labels.
        score, same: as for `match`, for the title.
    """
    order = sorted(
        range(len(matched)),
        key=lambda number: (matched[number].quality, -matched[number].wrong - matched[number].missed),
    )
    pairs = []
    for number in order[:SHOWN]:
        one, pixels = matched[number], images.pixels(number)
        truth = [
            ShownBox(row[4:].tolist(), int(row[1]), _line(hit, row[2] != 0))
            for row, hit in zip(one.things, one.found, strict=True)
        ]
        answer = [
            ShownBox(row[3:].tolist(), int(row[1]), _line(right, ignored))
            for row, right, ignored in zip(one.boxes, one.right, one.ignored, strict=True)
        ]
        count = int((one.things[:, 2] == 0).sum())
        caption = f"{int(one.right.sum())} of {count} found, {one.wrong} wrong"
        pairs.append((Side(images.name(number), pixels, truth), Side(caption, pixels, answer)))
    title = (
        f"The worst of {len(matched)} images by F1 of boxes over a score of {score:g} (right: an overlap of {same:g}): "
        "truth beside answer\ndashed: missed or wrong; dotted: crowds, which do not count"
    )
    return draw_sheet(title, pairs, class_names)


def _line(right: bool, ignored: bool) -> Line:
    return "solid" if right else "dotted" if ignored else "dashed"

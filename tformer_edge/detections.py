"""From a detector's maps to boxes, to the last bit; how a step computes stands in its file.

1. A candidate is an anchor with a class whose real logit, ``(q - zero_point) * scale`` in float64, exceeds the logit of
   the score threshold (`exponential.logit`); the `PER_LEVEL` highest of each level (`candidates.py`).
2. Its box is decoded (`box_coding.py`) and clipped to the input; boxes without area are left out.
3. Candidates rank by real logit, then by level, row, column, anchor and class.
4. One greedy pass suppresses within a class and stops at `MAX_BOXES` (`suppression.py`).

Only then is a score computed, for display: `exponential.sigmoid` of the logit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tformer_edge.candidates import Level, find_candidates
from tformer_edge.exponential import logit, sigmoid
from tformer_edge.suppression import suppress

PER_LEVEL = 1000
MAX_BOXES = 100


@dataclass(frozen=True)
class Detection:
    """One thing that was found.

    Attributes:
        box: left, top, right, bottom.
        label: the index of its class, from 0.
        score: 0 to 1.
    """

    box: tuple[float, float, float, float]
    label: int
    score: float


@dataclass(frozen=True, eq=False)
class Detections:
    """All that was found, the best first; iterating gives each as a `Detection`.

    Attributes:
        boxes: (n, 4) float64: left, top, right, bottom.
        labels: (n,) int64: the index of the class, from 0.
        logits: (n,) float64: what they rank by.
    """

    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    logits: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """(n,) float64, 0 to 1. Those of unequal logits may be equal, near 0 and 1."""
        return sigmoid(self.logits)

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Detection]:
        for box, label, score in zip(
            self.boxes.tolist(), self.labels.tolist(), self.scores.tolist(), strict=True
        ):
            yield Detection(tuple(box), label, score)


def detect(
    levels: Sequence[Level],
    size: tuple[int, int],
    *,
    score_threshold: float,
    iou_threshold: float,
    per_level: int = PER_LEVEL,
    max_boxes: int = MAX_BOXES,
) -> Detections:
    """What a detector's maps say of one image.

    Args:
        levels: its maps, in the order that breaks ties.
        size: (height, width) of the input; boxes are in its pixels.
        score_threshold: over 0 and under 1; a score must exceed it.
        iou_threshold: 0 to 1; a lower rank whose overlap exceeds it goes.
        per_level: candidates of a level, at least 1.
        max_boxes: at least 1.

    Raises:
        ValueError: another number of classes on one level than on another; thresholds and limits out of range; maps
            with NaN.
        UserError: int8 maps without a scale.
    """
    if len({level.classes for level in levels}) != 1:
        raise ValueError(f"Expected levels of as many classes, received {[one.classes for one in levels]}.")
    if not 0 <= iou_threshold <= 1 or min(per_level, max_boxes) < 1:
        raise ValueError(
            "Expected an overlap of 0 to 1 and limits of at least 1, "
            f"received {iou_threshold}, {per_level} and {max_boxes}."
        )
    threshold = logit(score_threshold)
    found = [find_candidates(level, threshold, per_level) for level in levels]
    logits = np.concatenate([one.logits for one in found])
    labels = np.concatenate([one.labels for one in found])
    height, width = size
    boxes = np.concatenate([one.boxes for one in found]).clip(0.0, [width, height, width, height])
    seen = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    # Stable: candidates stand by level and index, so equal logits do after it.
    order = np.argsort(-logits, kind="stable")
    order = order[seen[order]]
    best = order[suppress(boxes[order], labels[order], iou_threshold, max_boxes)]
    return Detections(boxes[best], labels[best], logits[best])

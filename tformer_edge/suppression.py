"""Which of overlapping boxes stay: one greedy pass over all classes, in the order of the ranking.

A box stays unless one of its own class that stays before it overlaps it, ``inter > threshold * union`` in float64:

- ``inter = max(min(rights) - max(lefts), 0) * max(min(bottoms) - max(tops), 0)``;
- ``area = (right - left) * (bottom - top)``, ``union = (area of the one + area of the other) - inter``.

Since no class touches another, this is suppression within each class, then the first `limit` of all.
"""

import numpy as np
from numpy.typing import NDArray

# Boxes that are compared with those that stay, and then with each other, at a time.
BLOCK = 128

Float64 = NDArray[np.float64]


def suppress(boxes: Float64, labels: NDArray[np.int64], threshold: float, limit: int) -> NDArray[np.int64]:
    """Indices, ascending, of the first `limit` boxes that stay. Time is linear in boxes times those that stay.

    Args:
        boxes: (n, 4): left, top, right, bottom, the first rank first.
        labels: (n,), their classes.
        threshold: of the overlap, 0 to 1.
    """
    sides = np.ascontiguousarray(boxes.T)
    kept: list[int] = []
    for start in range(0, len(labels), BLOCK):
        block = np.arange(start, min(start + BLOCK, len(labels)))
        if kept:
            block = block[~_overlaps(sides, labels, np.array(kept), block, threshold).any(axis=0)]
        pairs = _overlaps(sides, labels, block, block, threshold)
        stays = np.ones(block.size, np.bool_)
        for place, index in enumerate(block.tolist()):
            if not stays[place]:
                continue
            kept.append(index)
            if len(kept) == limit:
                return np.array(kept, np.int64)
            stays &= ~pairs[place]
    return np.array(kept, np.int64)


def _overlaps(
    sides: Float64,
    labels: NDArray[np.int64],
    ones: NDArray[np.int64],
    others: NDArray[np.int64],
    threshold: float,
) -> NDArray[np.bool_]:
    """(ones, others): which pairs are of one class and overlap."""
    left, top, right, bottom = sides[:, ones, None]
    other_left, other_top, other_right, other_bottom = sides[:, None, others]
    inter = np.minimum(right, other_right) - np.maximum(left, other_left)
    np.maximum(inter, 0.0, out=inter)
    height = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    inter *= np.maximum(height, 0.0, out=height)
    union = (right - left) * (bottom - top) + (other_right - other_left) * (other_bottom - other_top) - inter
    union *= threshold
    return np.asarray((inter > union) & (labels[ones, None] == labels[others]))

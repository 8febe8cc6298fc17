"""Which anchor is taught which box: by overlap, as RetinaNet (arXiv:1708.02002, section 4) does it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tformer_edge.anchors import AnchorLevel
from tformer_edge.box_coding import encode

BACKGROUND, IGNORED = -1, -2
# RetinaNet's. Between the two an anchor is ignored.
POSITIVE, NEGATIVE = 0.5, 0.4
# A crowd's share of an anchor from which on the anchor is ignored: not stated by the paper, our choice.
CROWD = 0.5

Float64 = NDArray[np.float64]


def anchor_grid(levels: Sequence[AnchorLevel], size: tuple[int, int]) -> Float64:
    """All anchors of an input of `size`, (anchors, 4): centre x, centre y, width, height, in the order of the maps."""
    return np.concatenate(
        [
            level.grid(-(-size[0] // level.stride), -(-size[1] // level.stride)).reshape(-1, 4)
            for level in levels
        ]
    )


def corners(anchors: Float64) -> Float64:
    """(n, 4): left, top, right, bottom."""
    halves = anchors[:, 2:] * 0.5
    return np.concatenate([anchors[:, :2] - halves, anchors[:, :2] + halves], axis=1)


def assign(
    anchors: Float64,
    sides: Float64,
    boxes: Float64,
    labels: NDArray[np.int64],
    crowd: NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """What each anchor is taught.

    An anchor takes the box that it overlaps most, where that is at least `POSITIVE`; below `NEGATIVE` it is background,
    between them ignored. Each box also takes the anchors that overlap it most, if they overlap at all, so that none
    goes without (MMDetection's `match_low_quality`); of two such boxes the later one. Anchors in a crowd are ignored.

    Args:
        anchors: (n, 4): centre x, centre y, width, height.
        sides: the same as `corners`.
        boxes: (m, 4): left, top, right, bottom in the input's pixels, with an area; there may be none.
        labels: (m,), from 0.
        crowd: (m,): boxes that teach nothing.

    Returns:
        labels, int32 (n,): a class, `BACKGROUND` or `IGNORED`; deltas, float32 (n, 4), 0 where there is no class.
    """
    result = np.full(len(anchors), BACKGROUND, np.int32)
    deltas = np.zeros((len(anchors), 4), np.float32)
    things = ~crowd
    if things.any():
        overlap = _overlaps(sides, boxes[things])
        best = overlap.argmax(axis=1)
        most = overlap[np.arange(len(anchors)), best]
        result[(most >= NEGATIVE) & (most < POSITIVE)] = IGNORED
        taken = np.where(most >= POSITIVE, best, -1)
        greatest = overlap.max(axis=0)
        rows, columns = np.nonzero((overlap == greatest) & (greatest > 0))
        taken[rows] = columns
        chosen = np.flatnonzero(taken >= 0)
        result[chosen] = labels[things][taken[chosen]]
        deltas[chosen] = encode(boxes[things][taken[chosen]], anchors[chosen])
    if crowd.any():
        inside = _inter(sides, boxes[crowd]) / np.prod(anchors[:, 2:], axis=1)[:, None]
        result[(inside.max(axis=1) >= CROWD) & (result < 0)] = IGNORED
    return result, deltas


def _inter(sides: Float64, boxes: Float64) -> NDArray[np.float32]:
    """(n, m) areas that anchors and boxes share."""
    # float32: a batch's time goes here, and no threshold is that fine.
    one, other = sides.astype(np.float32), boxes.astype(np.float32)
    width = np.minimum(one[:, None, 2], other[:, 2]) - np.maximum(one[:, None, 0], other[:, 0])
    height = np.minimum(one[:, None, 3], other[:, 3]) - np.maximum(one[:, None, 1], other[:, 1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    return np.asarray(width * height)


def _overlaps(sides: Float64, boxes: Float64) -> NDArray[np.float32]:
    """(n, m): intersection over union."""
    inter = _inter(sides, boxes)
    one = np.prod(sides[:, 2:] - sides[:, :2], axis=1).astype(np.float32)
    other = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1).astype(np.float32)
    return np.asarray(inter / (one[:, None] + other - inter))

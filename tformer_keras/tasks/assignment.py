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
        best = overlap.argmax(axis=0)
        most = overlap.max(axis=0)
        result[(most >= NEGATIVE) & (most < POSITIVE)] = IGNORED
        taken = np.where(most >= POSITIVE, best, -1)
        greatest = overlap.max(axis=1)
        # Box by box, so that of two the later one has the last word.
        for box in np.flatnonzero(greatest > 0):
            taken[overlap[box] == greatest[box]] = box
        chosen = np.flatnonzero(taken >= 0)
        result[chosen] = labels[things][taken[chosen]]
        deltas[chosen] = encode(boxes[things][taken[chosen]], anchors[chosen])
    if crowd.any():
        inside = _inter(sides, boxes[crowd]) / (anchors[:, 2] * anchors[:, 3])
        result[(inside.max(axis=0) >= CROWD) & (result < 0)] = IGNORED
    return result, deltas


def _inter(sides: Float64, boxes: Float64) -> NDArray[np.float32]:
    """(m, n) areas that boxes and anchors share."""
    # float32: a batch's time goes here, and no threshold is that fine. The anchors, of which there are many, come last.
    left, top, right, bottom = np.ascontiguousarray(sides.T, np.float32)
    other = boxes.astype(np.float32)[:, :, None]
    width = np.minimum(right, other[:, 2]) - np.maximum(left, other[:, 0])
    height = np.minimum(bottom, other[:, 3]) - np.maximum(top, other[:, 1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    return np.asarray(np.multiply(width, height, out=width))


def _overlaps(sides: Float64, boxes: Float64) -> NDArray[np.float32]:
    """(m, n): intersection over union."""
    inter = _inter(sides, boxes)
    one, other = (_areas(some).astype(np.float32) for some in (sides, boxes))
    union = one + other[:, None]
    union -= inter
    return np.asarray(np.divide(inter, union, out=inter))


def _areas(sides: Float64) -> Float64:
    return np.asarray((sides[:, 2] - sides[:, 0]) * (sides[:, 3] - sides[:, 1]))

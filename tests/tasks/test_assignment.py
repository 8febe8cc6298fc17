"""Which anchor is taught which box: against plain loops over every anchor and box."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tformer_edge.anchors import of_retinanet
from tformer_edge.box_coding import encode
from tformer_keras.tasks.assignment import BACKGROUND, IGNORED, anchor_grid, assign, corners

LEVELS = of_retinanet((8, 16), (2.0,), (0.5, 1.0, 2.0))
ANCHORS = anchor_grid(LEVELS, (40, 52))


# Overlaps nearer than this to each other or to a threshold may be judged either way: `assign` computes in float32.
ROUNDING = 1e-5


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return float(width * height / (areas - width * height))


def plain(boxes: np.ndarray, labels: np.ndarray) -> list[set[int]]:
    """The labels that each anchor may have by the rule in the docstring: several only where rounding decides."""
    table = [[overlap(side, box) for box in boxes] for side in corners(ANCHORS)]
    result = []
    for row in table:
        best = max(row, default=0.0)
        may: set[int] = set()
        if best >= 0.5 - ROUNDING:
            may |= {int(labels[column]) for column, value in enumerate(row) if value >= best - ROUNDING}
        if 0.4 - ROUNDING <= best < 0.5 + ROUNDING:
            may.add(IGNORED)
        if best < 0.4 + ROUNDING:
            may.add(BACKGROUND)
        result.append(may)
    for column in range(len(boxes)):
        best = max(row[column] for row in table)
        if best == 0:
            continue
        places = [place for place, row in enumerate(table) if row[column] >= best - ROUNDING]
        for place in places:
            result[place] = (set() if len(places) == 1 else result[place]) | {int(labels[column])}
    return result


def test_anchors_stand_in_the_order_of_the_maps() -> None:
    assert len(ANCHORS) == (5 * 7 + 3 * 4) * 3
    np.testing.assert_array_equal(ANCHORS[3][:2], (12, 4))
    np.testing.assert_array_equal(ANCHORS[5 * 7 * 3][:2], (8, 8))


@given(
    st.lists(st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(3, 25)] * 2, st.integers(0, 4)), max_size=5)
)
@example([(0, 0, 3, 3, 0), (0, 0, 21, 25, 0)])
@settings(max_examples=60)
def test_labels_are_those_of_the_plain_rule(things: list[tuple[int, ...]]) -> None:
    boxes = np.array([[x, y, x + w, y + h] for x, y, w, h, _ in things], float).reshape(-1, 4)
    labels = np.array([thing[4] for thing in things], np.int64)
    found, deltas = assign(ANCHORS, corners(ANCHORS), boxes, labels, np.zeros(len(boxes), bool))
    for place, (label, may) in enumerate(zip(found.tolist(), plain(boxes, labels), strict=True)):
        assert label in may, (place, label, may)
    assert (deltas[found < 0] == 0).all()


def test_deltas_lead_from_the_anchor_to_its_box() -> None:
    boxes, labels = np.array([[10.0, 10.0, 26.0, 27.0]]), np.array([3])
    found, deltas = assign(ANCHORS, corners(ANCHORS), boxes, labels, np.zeros(1, bool))
    taken = np.flatnonzero(found == 3)
    assert len(taken)
    expected = encode(np.repeat(boxes, len(taken), 0), ANCHORS[taken])
    np.testing.assert_allclose(deltas[taken], expected, rtol=1e-6)


def test_a_crowd_teaches_nothing_inside_it() -> None:
    boxes, labels = np.array([[0.0, 0.0, 52.0, 40.0], [8.0, 8.0, 24.0, 24.0]]), np.array([0, 1])
    found, _ = assign(ANCHORS, corners(ANCHORS), boxes, labels, np.array([True, False]))
    assert set(found.tolist()) <= {1, IGNORED, BACKGROUND} and (found == 1).any()
    inside = [
        max(0, min(s[2], 52) - max(s[0], 0)) * max(0, min(s[3], 40) - max(s[1], 0)) for s in corners(ANCHORS)
    ]
    share = np.array(inside) / (ANCHORS[:, 2] * ANCHORS[:, 3])
    assert (found[(share > 0.51) & (found != 1)] == IGNORED).all()


@pytest.mark.parametrize("count", [0, 1])
def test_a_picture_of_nothing_is_all_background(count: int) -> None:
    boxes = np.full((count, 4), [500.0, 500.0, 510.0, 510.0])
    found, deltas = assign(ANCHORS, corners(ANCHORS), boxes, np.zeros(count, np.int64), np.zeros(count, bool))
    assert (found == BACKGROUND).all() and not deltas.any()

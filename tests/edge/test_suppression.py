"""Suppression: one pass over all classes against plain loops, a class at a time and together, and its work."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tformer_edge import suppression
from tformer_edge.suppression import BLOCK, suppress


def overlaps(one: list[float], other: list[float], threshold: float) -> bool:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    inter = max(width, 0.0) * max(height, 0.0)
    union = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - inter
    return inter > threshold * union


def plain(boxes: np.ndarray, labels: np.ndarray, threshold: float, limit: int) -> list[int]:
    """Each class for itself, then the best of all by rank."""
    kept: list[int] = []
    for label in sorted(set(labels.tolist())):
        own: list[int] = []
        for index in np.flatnonzero(labels == label).tolist():
            if not any(overlaps(boxes[index].tolist(), boxes[one].tolist(), threshold) for one in own):
                own.append(index)
        kept += own
    return sorted(kept)[:limit]


def random_boxes(random: np.random.Generator, count: int, whole: bool) -> np.ndarray:
    """Boxes that overlap much; of `whole` numbers many are equal, and overlaps are fractions like 1/2 exactly."""
    corners = random.uniform(0, 60, (count, 2))
    sizes = random.uniform(1, 40, (count, 2))
    if whole:
        corners, sizes = (corners // 16) * 4, (sizes // 10 + 1) * 4
    return np.concatenate([corners, corners + sizes], axis=1)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 2, 40, BLOCK, BLOCK + 1, 300]),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 0.7, 1.0]),
    st.sampled_from([1, 5, 100, 1000]),
    st.booleans(),
)
@example(0, 300, 1, 0.5, 1000, True)
def test_equals_plain_loops_class_by_class(
    seed: int, count: int, classes: int, threshold: float, limit: int, whole: bool
) -> None:
    random = np.random.default_rng(seed)
    boxes, labels = random_boxes(random, count, whole), random.integers(0, classes, count)
    assert suppress(boxes, labels, threshold, limit).tolist() == plain(boxes, labels, threshold, limit)


def test_an_overlap_of_just_the_threshold_stays() -> None:
    # Areas 8 and 4, inter 4: exactly one half.
    boxes = np.array([[0.0, 0, 4, 2], [0, 0, 2, 2]])
    labels = np.zeros(2, np.int64)
    assert suppress(boxes, labels, 0.5, 9).tolist() == [0, 1]
    assert suppress(boxes, labels, np.nextafter(0.5, 0), 9).tolist() == [0]
    assert suppress(boxes[[0, 0]], labels, 1.0, 9).tolist() == [0, 1]


def test_what_is_suppressed_suppresses_nothing() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    assert suppress(boxes, np.zeros(3, np.int64), 0.4, 9).tolist() == [0, 2]


def test_another_class_is_left_alone() -> None:
    boxes = np.array([[0.0, 0, 10, 10]] * 3)
    assert suppress(boxes, np.array([1, 0, 1]), 0.5, 9).tolist() == [0, 1]


@pytest.mark.parametrize("case", ["all equal", "none touch", "some"])
def test_work_is_linear_in_boxes_times_kept(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count, limit = 20_000, 100
    random = np.random.default_rng(0)
    boxes = random_boxes(random, count, whole=False)
    if case == "all equal":
        boxes[:] = boxes[0]
    if case == "none touch":
        boxes = boxes - boxes[:, [0, 1, 0, 1]] + 100 * np.arange(count)[:, None]
    compared = 0
    own = suppression._overlaps

    def counted(sides: Any, labels: Any, ones: Any, others: Any, threshold: float) -> Any:
        nonlocal compared
        compared += len(ones) * len(others)
        return own(sides, labels, ones, others, threshold)

    monkeypatch.setattr(suppression, "_overlaps", counted)
    kept = suppress(boxes, np.zeros(count, np.int64), 0.5, limit)
    assert len(kept) == {"all equal": 1, "none touch": limit, "some": len(kept)}[case]
    # Those of a block that are left are compared with each other once; a block that keeps none leaves none.
    assert compared <= count * len(kept) + (len(kept) + 1) * BLOCK * BLOCK

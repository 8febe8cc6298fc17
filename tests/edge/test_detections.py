"""Detections against plain loops from the maps to the boxes: order, ties, clipping, limits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tformer_edge.anchors import AnchorLevel, of_retinanet
from tformer_edge.candidates import Level
from tformer_edge.detections import Detection, Detections, detect
from tformer_edge.exponential import exponential, logit
from tformer_edge.runner import TensorInfo

FLOAT = TensorInfo((1,), "float32")
SIZE = (24, 32)
ANCHORS = (
    AnchorLevel(4, ((6.0, 10.0), (12.0, 8.0))),
    AnchorLevel(8, ((20.0, 20.0),)),
)


def maps(seed: int, classes: int, few: bool, same_scale: bool = False) -> list[Level]:
    """int8 maps of two levels, of other scales unless `same_scale`; with `few` values nearly all tie."""
    random = np.random.default_rng(seed)
    levels = []
    for number, anchors in enumerate(ANCHORS):
        count = len(anchors.shapes)
        cells = (SIZE[0] // anchors.stride, SIZE[1] // anchors.stride)
        values = np.array([-128, -20, 30, 31, 127]) if few else np.arange(-128, 128)
        logits = random.choice(values, (*cells, count * classes)).astype(np.int8)
        deltas = random.integers(-128, 128, (*cells, count * 4)).astype(np.int8)
        scale = float(np.float32(0.04 if same_scale else 0.04 + 0.01 * number))
        levels.append(
            Level(
                anchors,
                logits,
                deltas,
                TensorInfo(logits.shape, "int8", scale, 3),
                TensorInfo(deltas.shape, "int8", float(np.float32(0.011 + 0.03 * number)), -2 * number),
            )
        )
    return levels


def in_floats(levels: list[Level]) -> list[Level]:
    return [
        Level(
            one.anchors,
            one.logits_info.dequantize(one.logits),
            one.deltas_info.dequantize(one.deltas),
            FLOAT,
            FLOAT,
        )
        for one in levels
    ]


def exp(x: float) -> float:
    return float(exponential(np.array([x]))[0])


def plain(
    levels: list[Level], threshold: float, iou: float, per_level: int, max_boxes: int
) -> list[tuple[float, int, list[float]]]:
    """The steps on Python's numbers; suppression a class at a time, then the best of all."""
    everything = []
    for number, level in enumerate(levels):
        own = []
        height, width = level.logits.shape[:2]
        for row in range(height):
            for column in range(width):
                for anchor, (aw, ah) in enumerate(level.anchors.shapes):
                    for label in range(level.classes):
                        q = int(level.logits[row, column, anchor * level.classes + label])
                        real = (q - level.logits_info.zero_point) * level.logits_info.scale
                        if not real > logit(threshold):
                            continue
                        zero, scale = level.deltas_info.zero_point, level.deltas_info.scale
                        dx, dy, dw, dh = (
                            (int(level.deltas[row, column, anchor * 4 + k]) - zero) * scale for k in range(4)
                        )
                        stride = level.anchors.stride
                        x, y = (column + 0.5) * stride + dx * aw, (row + 0.5) * stride + dy * ah
                        w = aw * exp(max(-4.135, min(4.135, dw)))
                        h = ah * exp(max(-4.135, min(4.135, dh)))
                        corners = [x - w * 0.5, y - h * 0.5, x + w * 0.5, y + h * 0.5]
                        box = [max(0.0, min(side, float(SIZE[1 - k % 2]))) for k, side in enumerate(corners)]
                        own.append(((-real, number, row, column, anchor, label), box))
        everything += sorted(own)[:per_level]
    everything = sorted(one for one in everything if one[1][2] > one[1][0] and one[1][3] > one[1][1])
    kept: list[Any] = []
    for label in range(levels[0].classes):
        stays: list[Any] = []
        for one in everything:
            if one[0][-1] == label and not any(overlap(one[1], other[1], iou) for other in stays):
                stays.append(one)
        kept += stays
    return [(-rank[0], rank[-1], box) for rank, box in sorted(kept)[:max_boxes]]


def overlap(one: list[float], other: list[float], threshold: float) -> bool:
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0.0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0.0)
    inter = width * height
    area = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return inter > threshold * (area - inter)


def as_list(found: Detections) -> list[tuple[float, int, list[float]]]:
    return list(zip(found.logits.tolist(), found.labels.tolist(), found.boxes.tolist(), strict=True))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.05, 0.3, 0.5, 0.9]),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.sampled_from([1, 20, 1000]),
    st.sampled_from([1, 10, 100]),
)
def test_equals_plain_loops(
    seed: int,
    classes: int,
    few: bool,
    same_scale: bool,
    threshold: float,
    iou: float,
    per_level: int,
    max_boxes: int,
) -> None:
    levels = maps(seed, classes, few, same_scale)
    expected = plain(levels, threshold, iou, per_level, max_boxes)
    for given_levels in (levels, in_floats(levels)):
        found = detect(
            given_levels,
            SIZE,
            score_threshold=threshold,
            iou_threshold=iou,
            per_level=per_level,
            max_boxes=max_boxes,
        )
        assert as_list(found) == expected


def test_thousands_of_candidates() -> None:
    random = np.random.default_rng(0)
    levels = []
    for anchors in of_retinanet()[:3]:
        cells = 256 // anchors.stride
        logits = random.integers(-128, 128, (cells, cells, 9 * 4)).astype(np.int8)
        deltas = random.integers(-40, 40, (cells, cells, 36)).astype(np.int8)
        logits_info, deltas_info = TensorInfo((1,), "int8", 0.05), TensorInfo((1,), "int8", 0.02)
        levels.append(Level(anchors, logits, deltas, logits_info, deltas_info))
    found = detect(levels, (256, 256), score_threshold=0.05, iou_threshold=0.5)
    again = detect(in_floats(levels), (256, 256), score_threshold=0.05, iou_threshold=0.5)
    assert len(found) == 100 and as_list(found) == as_list(again)
    assert (np.diff(found.logits) <= 0).all()
    assert found.boxes.min() >= 0 and found.boxes.max() <= 256
    for label in range(4):
        boxes = found.boxes[found.labels == label].tolist()
        pairs = [(a, b) for number, a in enumerate(boxes) for b in boxes[:number]]
        assert not any(overlap(a, b, 0.5) for a, b in pairs)


def test_ties_go_by_level_row_column_anchor_class() -> None:
    levels = maps(0, 2, few=False, same_scale=True)
    for level in levels:
        level.logits[:], level.deltas[:] = 100, level.deltas_info.zero_point
    found = detect(levels, SIZE, score_threshold=0.5, iou_threshold=1.0, max_boxes=6)
    assert found.labels.tolist() == [0, 1, 0, 1, 0, 1]
    # The first cell's two shapes, clipped to the input, then the next cell's first.
    assert found.boxes[::2].tolist() == [[0, 0, 5, 7], [0, 0, 8, 6], [3, 0, 9, 7]]
    levels[1].logits[0, 0, 1] = 101
    found = detect(levels, SIZE, score_threshold=0.5, iou_threshold=1.0, max_boxes=2)
    assert found.labels.tolist() == [1, 0] and found.boxes[0].tolist() == [0, 0, 14, 14]


def test_boxes_outside_the_input_are_left_out() -> None:
    level = maps(1, 1, few=False)[1]
    level.logits[:], level.deltas[:] = -128, level.deltas_info.zero_point
    level.logits[0, 0], level.logits[2, 3] = 127, 126
    level.deltas[0, 0, 0] = -128  # far to the left
    found = detect([level], SIZE, score_threshold=0.5, iou_threshold=0.5)
    assert found.boxes.tolist() == [[18, 10, 32, 24]]


def test_nothing_found() -> None:
    levels = maps(2, 3, few=False)
    for level in levels:
        level.logits[:] = -128
    found = detect(levels, SIZE, score_threshold=0.5, iou_threshold=0.5)
    assert len(found) == 0 and list(found) == []
    assert (found.boxes.shape, found.scores.shape) == ((0, 4), (0,))


def test_a_detection_is_plain_numbers() -> None:
    found = detect(maps(3, 3, few=False), SIZE, score_threshold=0.5, iou_threshold=0.5)
    first, *rest = found
    assert len(rest) == len(found) - 1
    assert first == Detection(tuple(found.boxes[0].tolist()), int(found.labels[0]), float(found.scores[0]))
    assert type(first.label) is int and all(type(side) is float for side in first.box)
    assert 0.5 < first.score <= 1
    assert first.score == pytest.approx(1 / (1 + np.exp(-found.logits[0])))


@pytest.mark.parametrize("threshold", [0.01, 0.05, 0.3, 0.5, 0.75])
def test_every_score_exceeds_the_threshold(threshold: float) -> None:
    levels = maps(4, 2, few=False)
    found = detect(levels, SIZE, score_threshold=threshold, iou_threshold=1.0, max_boxes=9999)
    assert (found.scores > threshold).all()
    real = np.concatenate([one.logits_info.dequantize(one.logits).ravel() for one in levels])
    seen = detect(levels, SIZE, score_threshold=1e-6, iou_threshold=1.0, max_boxes=9999)
    assert len(seen) <= real.size
    assert len(found) == (seen.scores > threshold).sum()


@pytest.mark.parametrize(
    "changed",
    [
        {"score_threshold": 0.0},
        {"score_threshold": 1.0},
        {"iou_threshold": -0.1},
        {"iou_threshold": 1.1},
        {"iou_threshold": float("nan")},
        {"per_level": 0},
        {"max_boxes": 0},
    ],
)
def test_refuses_limits_out_of_range(changed: dict[str, Any]) -> None:
    options = {"score_threshold": 0.5, "iou_threshold": 0.5, **changed}
    with pytest.raises(ValueError, match="Expected .* received"):
        detect(maps(5, 2, few=False), SIZE, **options)


def test_refuses_levels_of_other_classes_and_no_level() -> None:
    for levels in ([], [maps(6, 2, few=False)[0], maps(6, 3, few=False)[1]]):
        with pytest.raises(ValueError, match="as many classes"):
            detect(levels, SIZE, score_threshold=0.5, iou_threshold=0.5)

"""Candidates of one level against plain loops: thresholds, limits, ties, the layout of the maps."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tformer_edge import candidates
from tformer_edge.anchors import AnchorLevel
from tformer_edge.box_coding import decode
from tformer_edge.candidates import Level, find_candidates
from tformer_edge.errors import UserError
from tformer_edge.runner import TensorInfo

FLOAT = TensorInfo((1,), "float32")
ANCHORS = AnchorLevel(8, ((8.0, 16.0), (20.0, 12.0)))
SCALE = float(np.float32(0.0731))


def quantized_level(
    seed: int, height: int = 3, width: int = 4, classes: int = 3, few: bool = False, zero_point: int = 5
) -> Level:
    """int8 maps; with `few` values nearly all tie."""
    random = np.random.default_rng(seed)
    shape = (height, width, 2 * classes)
    values = np.array([-128, 4, 5, 6, 127]) if few else np.arange(-128, 128)
    logits = random.choice(values, shape).astype(np.int8)
    deltas = random.integers(-128, 128, (height, width, 8)).astype(np.int8)
    return Level(
        ANCHORS,
        logits,
        deltas,
        TensorInfo(shape, "int8", SCALE, zero_point),
        TensorInfo(deltas.shape, "int8", 0.015625, -3),
    )


def float_level(level: Level) -> Level:
    """The same in real numbers."""
    return Level(
        ANCHORS,
        level.logits_info.dequantize(level.logits),
        level.deltas_info.dequantize(level.deltas),
        FLOAT,
        FLOAT,
    )


def plain(level: Level, threshold: float, limit: int) -> list[tuple[float, int, list[float]]]:
    """(logit, label, box) by row, column, anchor and class: triple loops over the map."""
    found = []
    height, width = level.logits.shape[:2]
    for row in range(height):
        for column in range(width):
            for anchor in range(2):
                for label in range(level.classes):
                    value = level.logits[row, column, anchor * level.classes + label]
                    real = float(level.logits_info.dequantize(value[None])[0])
                    if real > threshold:
                        found.append((real, len(found), label, row, column, anchor))
    best = sorted(found, key=lambda one: (-one[0], one[1]))[:limit]
    answer = []
    for real, _, label, row, column, anchor in sorted(best, key=lambda one: one[1]):
        place = np.array([[(column + 0.5) * 8, (row + 0.5) * 8, *ANCHORS.shapes[anchor]]])
        deltas = level.deltas[row, column, None, anchor * 4 : anchor * 4 + 4]
        answer.append((real, label, decode(deltas, level.deltas_info, place)[0].tolist()))
    return answer


def as_list(level: Level, threshold: float, limit: int) -> list[tuple[float, int, list[float]]]:
    found = find_candidates(level, threshold, limit)
    return list(zip(found.logits.tolist(), found.labels.tolist(), found.boxes.tolist(), strict=True))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 4),
    st.booleans(),
    st.integers(-128, 127),
    st.floats(-20, 20),
    st.integers(1, 100),
)
def test_equals_plain_loops(
    seed: int, classes: int, few: bool, zero_point: int, threshold: float, limit: int
) -> None:
    level = quantized_level(seed, classes=classes, few=few, zero_point=zero_point)
    expected = plain(level, threshold, limit)
    assert as_list(level, threshold, limit) == expected
    assert as_list(float_level(level), threshold, limit) == expected


@given(st.integers(-128, 127), st.integers(-128, 127))
def test_a_threshold_of_just_a_value_leaves_it_out(value: int, zero_point: int) -> None:
    """The integer of a threshold is exact: equal is not over, the next float64 below is."""
    real = (value - zero_point) * SCALE
    logits = np.arange(-128, 128).astype(np.int8).reshape(8, 8, 4)
    level = Level(
        ANCHORS,
        logits,
        np.zeros((8, 8, 8), np.int8),
        TensorInfo(logits.shape, "int8", SCALE, zero_point),
        TensorInfo((1,), "int8", 1.0),
    )
    for one in (level, float_level(level)):
        assert len(find_candidates(one, real, 999).logits) == 127 - value
        assert len(find_candidates(one, math.nextafter(real, -math.inf), 999).logits) == 128 - value
        assert len(find_candidates(one, math.nextafter(real, math.inf), 999).logits) == 127 - value


@given(st.floats(-5, 5))
def test_float32_maps_are_compared_in_float64(threshold: float) -> None:
    near = np.float32(threshold)
    values = np.array([np.nextafter(near, np.float32(-9)), near, np.nextafter(near, np.float32(9))])
    logits = np.repeat(values.astype(np.float32), 2).reshape(1, 3, 2)
    level = Level(ANCHORS, logits, np.zeros((1, 3, 8), np.float32), FLOAT, FLOAT)
    expected = [float(value) for value in logits.ravel() if float(value) > threshold]
    assert find_candidates(level, threshold, 9).logits.tolist() == expected


@pytest.mark.parametrize("value", [-128, 0, 127])
def test_a_map_of_one_value_gives_the_first_indices(value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "LOOK", 3)
    level = quantized_level(0, height=20, width=30)
    level.logits[:] = value
    for one in (level, float_level(level)):
        found = as_list(one, -99.0, 50)
        assert found == plain(one, -99.0, 10_000)[:50]


def test_thousands_of_candidates() -> None:
    level = quantized_level(1, height=30, width=40, classes=5)
    expected = plain(level, -1.0, 1000)
    assert len(expected) == 1000
    assert as_list(level, -1.0, 1000) == expected
    assert as_list(float_level(level), -1.0, 1000) == expected


def test_no_candidate_and_no_cell() -> None:
    level = quantized_level(2)
    for one in (level, float_level(level), quantized_level(2, height=0), float_level(quantized_level(2, 0))):
        found = find_candidates(one, 1000.0 * SCALE, 10)
        assert (found.logits.shape, found.labels.shape, found.boxes.shape) == ((0,), (0,), (0, 4))


def test_infinite_logits_are_the_highest_and_the_lowest() -> None:
    level = float_level(quantized_level(3))
    level.logits[0, 0, 0], level.logits[0, 0, 1] = math.inf, -math.inf
    assert find_candidates(level, -99.0, 1).logits.tolist() == [math.inf]
    assert find_candidates(level, -99.0, 9999).logits.size == level.logits.size - 1


def test_nan_is_refused_where_it_would_count() -> None:
    level = float_level(quantized_level(4))
    level.deltas[0, 0, 0] = math.nan
    level.logits[0, 0, :3] = -50.0
    assert find_candidates(level, -40.0, 9999).logits.size == level.logits.size - 3
    with pytest.raises(ValueError, match="finite deltas"):
        find_candidates(level, -60.0, 9999)
    level.logits[0, 0, 0] = math.nan
    with pytest.raises(ValueError, match="NaN"):
        find_candidates(level, 0.0, 9999)


def test_integers_need_a_scale() -> None:
    level = quantized_level(5)
    without = Level(ANCHORS, level.logits, level.deltas, TensorInfo((1,), "int8"), level.deltas_info)
    with pytest.raises(UserError, match="scale"):
        find_candidates(without, 0.0, 10)


@pytest.mark.parametrize(
    ("logits", "deltas"),
    [
        (np.zeros((3, 4, 6), np.int16), np.zeros((3, 4, 8), np.int8)),
        (np.zeros((3, 4, 6), np.int8), np.zeros((3, 4, 8), np.uint8)),
        (np.zeros((3, 4, 5), np.int8), np.zeros((3, 4, 8), np.int8)),
        (np.zeros((3, 4, 0), np.int8), np.zeros((3, 4, 8), np.int8)),
        (np.zeros((3, 24), np.int8), np.zeros((3, 4, 8), np.int8)),
        (np.zeros((3, 4, 6), np.int8), np.zeros((3, 4, 4), np.int8)),
        (np.zeros((3, 4, 6), np.int8), np.zeros((4, 3, 8), np.int8)),
    ],
)
def test_refuses_maps_that_do_not_fit(logits: Any, deltas: Any) -> None:
    with pytest.raises(ValueError, match="Expected .* received"):
        Level(ANCHORS, logits, deltas, FLOAT, FLOAT)

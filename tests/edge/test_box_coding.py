"""Coding of boxes: against plain loops, there and back, and at the ends of int8."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tformer_edge.box_coding import CLIP, decode, encode, size_table
from tformer_edge.errors import UserError
from tformer_edge.exponential import exponential
from tformer_edge.runner import TensorInfo

FLOAT = TensorInfo((1,), "float32")
SCALES = st.floats(2**-13, 0.5, width=32)
ZERO_POINTS = st.integers(-128, 127)


def exp(x: float) -> float:
    return float(exponential(np.array([x]))[0])


def plain_box(delta: list[float], anchor: list[float]) -> list[float]:
    """One box by the docstring's rule, on Python's numbers."""
    (dx, dy, dw, dh), (ax, ay, aw, ah) = delta, anchor
    x, y = ax + dx * aw, ay + dy * ah
    width = aw * exp(min(max(dw, -CLIP), CLIP))
    height = ah * exp(min(max(dh, -CLIP), CLIP))
    return [x - width * 0.5, y - height * 0.5, x + width * 0.5, y + height * 0.5]


def some_anchors(random: np.random.Generator, count: int) -> np.ndarray:
    return np.concatenate([random.uniform(0, 640, (count, 2)), random.uniform(4, 700, (count, 2))], axis=1)


@given(st.integers(0, 2**32 - 1), SCALES, ZERO_POINTS)
def test_int8_equals_plain_arithmetic_on_each_number(seed: int, scale: float, zero_point: int) -> None:
    random = np.random.default_rng(seed)
    anchors = some_anchors(random, 20)
    deltas = random.integers(-128, 128, (20, 4)).astype(np.int8)
    boxes = decode(deltas, TensorInfo((20, 4), "int8", scale, zero_point), anchors)
    for box, delta, anchor in zip(boxes, deltas.tolist(), anchors.tolist(), strict=True):
        assert box.tolist() == plain_box([(value - zero_point) * scale for value in delta], anchor)


@given(st.integers(0, 2**32 - 1), SCALES, ZERO_POINTS)
def test_int8_equals_floats_of_the_same_value(seed: int, scale: float, zero_point: int) -> None:
    random = np.random.default_rng(seed)
    anchors = some_anchors(random, 50)
    deltas = random.integers(-128, 128, (50, 4)).astype(np.int8)
    info = TensorInfo((50, 4), "int8", scale, zero_point)
    np.testing.assert_array_equal(
        decode(deltas, info, anchors), decode(info.dequantize(deltas), FLOAT, anchors)
    )


@given(st.integers(0, 2**32 - 1))
def test_decode_takes_back_encode(seed: int) -> None:
    random = np.random.default_rng(seed)
    anchors = some_anchors(random, 30)
    corners = random.uniform(-50, 700, (30, 2))
    # Sizes within the clip of their anchors.
    sizes = anchors[:, 2:] * np.exp(random.uniform(-4.1, 4.1, (30, 2)))
    boxes = np.concatenate([corners, corners + sizes], axis=1)
    decoded = decode(encode(boxes, anchors), FLOAT, anchors)
    np.testing.assert_allclose(decoded, boxes, rtol=0, atol=1e-9 * np.abs(boxes).max())


def test_encode_equals_its_formula() -> None:
    deltas = encode(np.array([10.0, 20.0, 30.0, 100.0]), np.array([16.0, 70.0, 8.0, 40.0]))
    assert deltas.tolist() == [(20 - 16) / 8, (60 - 70) / 40, np.log(20 / 8), np.log(80 / 40)]


def test_zero_deltas_are_the_anchor() -> None:
    anchor = np.array([[12.0, 20.0, 8.0, 16.0]])
    zeros = np.full((1, 4), 7, np.int8)
    assert decode(zeros, TensorInfo((1, 4), "int8", 0.1, 7), anchor).tolist() == [[8.0, 12.0, 16.0, 28.0]]


@pytest.mark.parametrize("value", [-128, 127])
def test_saturated_deltas_are_clipped_both_ways(value: int) -> None:
    info = TensorInfo((1, 4), "int8", 1.0, 0)
    box = decode(np.full((1, 4), value, np.int8), info, np.array([[0.0, 0.0, 8.0, 16.0]]))[0]
    factor = exp(math.copysign(CLIP, value))
    assert (box[2:] - box[:2]) == pytest.approx([8 * factor, 16 * factor], rel=1e-12)
    assert (box[2:] + box[:2]) / 2 == pytest.approx([8 * value, 16 * value], rel=1e-12)


def test_clip_is_62_times() -> None:
    assert pytest.approx(math.log(1000 / 16), abs=2e-4) == CLIP


@given(SCALES, ZERO_POINTS)
def test_table_has_one_entry_a_value(scale: float, zero_point: int) -> None:
    table = size_table(scale, zero_point)
    assert table.shape == (256,) and not table.flags.writeable
    for value in (-128, -1, 0, 1, zero_point, 127):
        real = (value - zero_point) * scale
        assert table[value + 128] == exp(min(max(real, -CLIP), CLIP))
    assert (np.diff(table) >= 0).all()


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(4))
def test_refuses_deltas_that_are_no_numbers(wrong: float, place: int) -> None:
    deltas = np.zeros((1, 4), np.float32)
    deltas[0, place] = wrong
    with pytest.raises(ValueError, match="finite"):
        decode(deltas, FLOAT, np.ones((1, 4)))


def test_refuses_integers_without_a_scale() -> None:
    with pytest.raises(UserError, match="scale"):
        decode(np.zeros((1, 4), np.int8), TensorInfo((1, 4), "int8"), np.ones((1, 4)))


def test_refuses_boxes_without_area() -> None:
    with pytest.raises(ValueError, match="width and a height"):
        encode(np.array([[5.0, 5.0, 5.0, 9.0]]), np.ones((1, 4)))

"""Class maps against fractions, one pixel at a time, and against Pillow's enlarging."""

import tracemalloc
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tformer_edge.class_maps import areas, class_map
from tformer_edge.runner import TensorInfo

SIDE = st.integers(1, 9)
PIXELS = st.integers(1, 24)
SEED = st.integers(0, 2**32 - 1)


def position(source: int, target: int, pixel: int, start: Any, length: Any) -> Fraction:
    """Where a pixel looks, in cells."""
    there = start + Fraction(2 * pixel + 1, 2) * length / target - Fraction(1, 2)
    return min(max(there, Fraction(0)), Fraction(source - 1))


def exact_class(logits: np.ndarray, size: tuple[int, int], y: int, x: int, window: Any = None) -> int:
    """The class of one pixel, in fractions: the four values around it, weighed."""
    height, width, classes = logits.shape
    top, left, tall, wide = window or (0, 0, height, width)
    row, column = position(height, size[0], y, top, tall), position(width, size[1], x, left, wide)
    r, c = int(row), int(column)
    below, right = min(r + 1, height - 1), min(c + 1, width - 1)
    values = []
    for k in range(classes):
        high = int(logits[r, c, k]) * (1 - column + c) + int(logits[r, right, k]) * (column - c)
        low = int(logits[below, c, k]) * (1 - column + c) + int(logits[below, right, k]) * (column - c)
        values.append(high * (1 - row + r) + low * (row - r))
    return values.index(max(values))


def random_logits(shape: tuple[int, int, int], seed: int, few: bool) -> np.ndarray:
    """int8; with `few` values nearly every pixel ties somewhere."""
    random = np.random.default_rng(seed)
    if few:
        return random.choice(np.array([-128, 0, 1, 127], np.int8), shape)
    return random.integers(-128, 128, shape).astype(np.int8)


@settings(max_examples=60, deadline=None)
@given(SIDE, SIDE, st.integers(1, 5), PIXELS, PIXELS, SEED, st.booleans())
@example(6, 8, 3, 24, 32, 0, True)  # stride 4
@example(1, 1, 4, 5, 3, 0, True)
@example(9, 9, 2, 2, 1, 0, False)
def test_int8_equals_fractions(
    height: int, width: int, classes: int, tall: int, wide: int, seed: int, few: bool
) -> None:
    logits = random_logits((height, width, classes), seed, few)
    answer = class_map(logits, (tall, wide))
    assert answer.shape == (tall, wide) and answer.dtype == np.uint8
    for y in range(tall):
        for x in range(wide):
            assert answer[y, x] == exact_class(logits, (tall, wide), y, x)


@settings(max_examples=60, deadline=None)
@given(SIDE, SIDE, st.integers(1, 4), PIXELS, PIXELS, SEED, st.booleans(), st.data())
def test_window_equals_fractions(
    height: int, width: int, classes: int, tall: int, wide: int, seed: int, few: bool, data: st.DataObject
) -> None:
    def part(cells: int) -> tuple[Fraction, Fraction]:
        eighths = st.integers(0, 8 * cells)
        low, high = sorted(data.draw(st.lists(eighths, min_size=2, max_size=2, unique=True)))
        return Fraction(low, 8), Fraction(high - low, 8)

    (top, rows), (left, columns) = part(height), part(width)
    logits = random_logits((height, width, classes), seed, few)
    window = (top, left, rows, columns)
    answer = class_map(logits, (tall, wide), window)
    for y in range(tall):
        for x in range(wide):
            assert answer[y, x] == exact_class(logits, (tall, wide), y, x, window)


def float_reference(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The docstring's steps on Python's numbers."""
    height, width, classes = logits.shape
    answer = np.empty(size, np.int64)

    def taps(source: int, target: int) -> Callable[[int], tuple[int, int, int]]:
        begin, step = Fraction(source, 2 * target) - Fraction(1, 2), Fraction(source, target)
        denominator = 1
        while (begin * denominator).denominator != 1 or (step * denominator).denominator != 1:
            denominator += 1

        def tap(pixel: int) -> tuple[int, int, int]:
            there = position(source, target, pixel, 0, source)
            return int(there), int((there - int(there)) * denominator), denominator

        return tap

    def between(p: float, q: float, f: int, denominator: int) -> float:
        return p * denominator + (q - p) * f

    row_tap, column_tap = taps(height, size[0]), taps(width, size[1])
    for y in range(size[0]):
        r, fy, dy = row_tap(y)
        below = min(r + 1, height - 1)
        for x in range(size[1]):
            c, fx, dx = column_tap(x)
            right = min(c + 1, width - 1)
            values = []
            for k in range(classes):
                high = between(float(logits[r, c, k]), float(logits[r, right, k]), fx, dx)
                low = between(float(logits[below, c, k]), float(logits[below, right, k]), fx, dx)
                values.append(between(high, low, fy, dy))
            answer[y, x] = values.index(max(values))
    return answer


@settings(max_examples=40, deadline=None)
@given(SIDE, SIDE, st.integers(1, 4), PIXELS, PIXELS, SEED)
def test_floats_equal_the_written_steps(
    height: int, width: int, classes: int, tall: int, wide: int, seed: int
) -> None:
    logits = np.random.default_rng(seed).normal(size=(height, width, classes)).astype(np.float32)
    np.testing.assert_array_equal(class_map(logits, (tall, wide)), float_reference(logits, (tall, wide)))


@settings(max_examples=60, deadline=None)
@given(SIDE, SIDE, st.integers(1, 5), PIXELS, PIXELS, SEED, st.booleans(), st.integers(-128, 127))
def test_int8_equals_floats_of_the_same_value(
    height: int, width: int, classes: int, tall: int, wide: int, seed: int, few: bool, zero_point: int
) -> None:
    logits = random_logits((height, width, classes), seed, few)
    real = TensorInfo(logits.shape, "int8", float(np.float32(0.0731)), zero_point).dequantize(logits)
    np.testing.assert_array_equal(class_map(logits, (tall, wide)), class_map(real, (tall, wide)))


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_large_sizes_are_exact_too(classes: int) -> None:
    # With 2 classes the bound just fits int32, with 3 it does not; the sums of 6 do not.
    size = (1009, 1013)
    assert 256 * (2 * 1009) * (2 * 1013) * 2 < 2**31 < 256 * (2 * 1009) * (2 * 1013) * 3
    logits = random_logits((6, 8, classes), 3, few=True)
    answer = class_map(logits, size)
    random = np.random.default_rng(4)
    for y, x in zip(random.integers(0, size[0], 500), random.integers(0, size[1], 500), strict=True):
        assert answer[y, x] == exact_class(logits, size, int(y), int(x))


def test_a_window_of_the_same_scale_is_a_part_of_the_whole() -> None:
    logits = random_logits((8, 10, 4), 5, few=True)
    whole = class_map(logits, (32, 40))
    np.testing.assert_array_equal(class_map(logits, (16, 24), (2, 3, 4, 6)), whole[8:24, 12:36])


def test_pillow_enlarges_in_the_same_way() -> None:
    logits = np.random.default_rng(6).normal(size=(11, 15, 5)).astype(np.float32)
    tall, wide = 45, 61
    enlarged = np.stack(
        [
            np.asarray(Image.fromarray(logits[..., k]).resize((wide, tall), Image.Resampling.BILINEAR))
            for k in range(5)
        ]
    )
    clear = np.sort(enlarged, axis=0)
    sure = clear[-1] - clear[-2] > 1e-4
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(class_map(logits, (tall, wide))[sure], enlarged.argmax(axis=0)[sure])


@pytest.mark.parametrize("kind", [np.int8, np.float32])
def test_the_same_size_is_the_highest_class_and_ties_go_to_the_lower(kind: type) -> None:
    logits = random_logits((12, 13, 6), 7, few=True).astype(kind)
    np.testing.assert_array_equal(class_map(logits, (12, 13)), logits.argmax(axis=-1))
    assert not class_map(np.full((3, 3, 4), 5, kind), (10, 10)).any()


@pytest.mark.parametrize("kind", [np.int8, np.float32])
@pytest.mark.parametrize(("classes", "dtype"), [(1, np.uint8), (256, np.uint8), (257, np.uint16)])
def test_type_of_the_answer(kind: type, classes: int, dtype: type) -> None:
    logits = np.zeros((2, 3, classes), kind)
    logits[..., -1] = 1
    answer = class_map(logits, (5, 4))
    assert answer.dtype == dtype and (answer == classes - 1).all()


def test_areas_count_pixels() -> None:
    answer = class_map(random_logits((40, 9, 5), 8, few=False), (150, 33))
    assert areas(answer, 7).tolist() == [int((answer == k).sum()) for k in range(7)]


def test_memory_stays_that_of_some_rows() -> None:
    logits = random_logits((128, 128, 150), 9, few=False)
    tracemalloc.start()
    class_map(logits, (512, 512))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All enlarged logits would be 39 MB in int8.
    assert peak < 6e6


@pytest.mark.parametrize(
    ("logits", "size", "window"),
    [
        (np.zeros((4, 4), np.int8), (8, 8), None),
        (np.zeros((4, 0, 2), np.int8), (8, 8), None),
        (np.zeros((4, 4, 0), np.int8), (8, 8), None),
        (np.zeros((1, 1, 65537), np.int8), (1, 1), None),
        (np.zeros((4, 4, 2), np.int16), (8, 8), None),
        (np.full((4, 4, 2), np.nan), (8, 8), None),
        (np.full((4, 4, 2), np.inf), (8, 8), None),
        (np.zeros((4, 4, 2), np.int8), (0, 8), None),
        (np.zeros((4, 4, 2), np.int8), (8, 8), (0, 0, 5, 4)),
        (np.zeros((4, 4, 2), np.int8), (8, 8), (-1, 0, 4, 4)),
        (np.zeros((4, 4, 2), np.int8), (8, 8), (0, 0, 4, 0)),
        (np.zeros((4, 4, 2), np.int8), (8, 8), (Fraction(1, 2**60), 0, 2, 2)),
        (np.zeros((4, 4, 2), np.int8), (8, 8), (Fraction(1, 2**40), Fraction(1, 2**40), 2, 2)),
    ],
)
def test_refuses(logits: np.ndarray, size: tuple[int, int], window: Any) -> None:
    with pytest.raises(ValueError, match="Expected .* received"):
        class_map(logits, size, window)

"""The NumPy resize rule against Pillow, pixel for pixel."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tformer_edge.resize import PRECISION_BITS, coefficients, resize

SIDE = st.integers(1, 70)


def picture(shape: tuple[int, int], seed: int, extreme: bool) -> np.ndarray:
    """Noise: of all values, or of 0 and 255 alone, which shows rounding and clipping best."""
    noise = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    return np.where(noise > 127, 255, 0).astype(np.uint8) if extreme else noise


def pillow(image: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700), st.integers(0, 99), st.booleans())
@example(1, 1, 0, False)
@example(1, 500, 0, False)
@example(699, 1, 0, True)
def test_each_axis_equals_pillow(source: int, target: int, seed: int, extreme: bool) -> None:
    row = picture((1, source), seed, extreme)
    np.testing.assert_array_equal(resize(row, (1, target)), pillow(row, 1, target))
    column = row.swapaxes(0, 1).copy()
    np.testing.assert_array_equal(resize(column, (target, 1)), pillow(column, target, 1))


@settings(max_examples=300, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.integers(0, 99), st.booleans())
@example(1, 1, 32, 32, 0, False)
@example(33, 47, 32, 32, 0, True)
@example(70, 3, 7, 69, 0, True)
def test_image_equals_pillow_horizontally_then_vertically(
    height: int, width: int, new_height: int, new_width: int, seed: int, extreme: bool
) -> None:
    image = picture((height, width), seed, extreme)
    ours = resize(image, (new_height, new_width))
    np.testing.assert_array_equal(ours, pillow(pillow(image, height, new_width), new_height, new_width))
    # Pillow's single call takes one of two orders, by its version and the sizes; ours is the first.
    vertical_first = pillow(pillow(image, new_height, width), new_height, new_width)
    single = pillow(image, new_height, new_width)
    assert np.array_equal(single, ours) or np.array_equal(single, vertical_first)
    assert np.abs(single.astype(int) - ours).max() <= 1
    if new_height >= height:  # nothing shrinks in height: every version goes horizontally first
        np.testing.assert_array_equal(ours, single)


@settings(max_examples=100, deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.data())
def test_window_is_a_part_of_the_whole(
    height: int, width: int, new_height: int, new_width: int, data: st.DataObject
) -> None:
    image = picture((height, width), 1, False)
    top, left = data.draw(st.integers(0, new_height - 1)), data.draw(st.integers(0, new_width - 1))
    rows, columns = data.draw(st.integers(1, new_height - top)), data.draw(st.integers(1, new_width - left))
    whole = resize(image, (new_height, new_width))
    part = resize(image, (new_height, new_width), (top, left, rows, columns))
    np.testing.assert_array_equal(part, whole[top : top + rows, left : left + columns])


@given(SIDE, SIDE)
def test_weights_add_up_to_one(source: int, target: int) -> None:
    first, weights = coefficients(source, target, 0, target)
    assert weights.min() >= 0 and first.min() >= 0 and first.max() < source
    # Each of the taps may be rounded by half a unit.
    assert np.abs(weights.sum(1, dtype=np.int64) - (1 << PRECISION_BITS)).max() <= (weights.shape[1] + 1) / 2


def test_same_size_changes_nothing() -> None:
    image = picture((9, 14), 0, False)
    np.testing.assert_array_equal(resize(image, (9, 14)), image)


@pytest.mark.parametrize(
    ("image", "size", "window"),
    [
        (np.zeros((4, 4, 3), np.float32), (2, 2), None),
        (np.zeros((4, 4), np.uint8), (2, 2), None),
        (np.zeros((0, 4, 3), np.uint8), (2, 2), None),
        (np.zeros((4, 4, 3), np.uint8), (0, 2), None),
        (np.zeros((4, 4, 3), np.uint8), (2, 2), (1, 0, 2, 2)),
        (np.zeros((4, 4, 3), np.uint8), (2, 2), (0, -1, 2, 2)),
        (np.zeros((4, 4, 3), np.uint8), (2, 2), (0, 0, 0, 2)),
    ],
)
def test_refuses(image: np.ndarray, size: tuple[int, int], window: tuple[int, int, int, int] | None) -> None:
    with pytest.raises(ValueError, match="Expected .* received"):
        resize(image, size, window)

"""Boxes and masks go where the pixels go."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tformer_keras.data.placement import Placement, crop_pixels, move_pixels

SIDE = st.integers(4, 24)


@given(SIDE, SIDE, st.booleans(), st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 1000))
def test_a_mask_moves_as_its_picture_does(
    height: int, width: int, flip: bool, down: int, right: int, seed: int
) -> None:
    """At the picture's own size, where pixels are moved whole: the mask is the picture here."""
    mask = np.random.default_rng(seed).integers(0, 255, (height, width)).astype(np.int32)
    placement = Placement((0, 0, height, width), flip, (down, right))
    pixels = np.repeat(mask[None, :, :, None] + 1, 3, axis=3).astype(np.float32)
    moved = move_pixels(pixels, [placement], "zero")[0, :, :, 0].astype(np.int32) - 1
    np.testing.assert_array_equal(placement.move_mask(mask, (height, width)), moved)


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(3, 30), st.integers(3, 30))
def test_a_crop_past_the_picture_has_ground_there(top: int, left: int, tall: int, wide: int) -> None:
    image = np.random.default_rng(0).integers(0, 200, (11, 13, 3)).astype(np.uint8)
    found = crop_pixels(image, (top, left, tall, wide), (tall, wide), 222)
    mask = Placement((top, left, tall, wide)).move_mask(image[..., 0].astype(np.int32), (tall, wide))
    np.testing.assert_array_equal(np.where(mask < 0, 222, mask), found[..., 0])


@given(
    st.tuples(st.integers(-10, 10), st.integers(-10, 10), st.integers(5, 60), st.integers(5, 60)),
    st.booleans(), st.integers(-4, 4), st.integers(-4, 4),
)  # fmt: skip
def test_boxes_move_as_the_pixels_under_them(
    box: tuple[int, int, int, int], flip: bool, down: int, right: int
) -> None:
    size, placement = (40, 50), Placement(box, flip, (down, right))
    thing = np.array([[12.0, 8.0, 30.0, 25.0]])
    (left, top, end, bottom) = placement.move_boxes(thing, size)[0]
    mask = np.zeros((40, 60), np.int32)
    mask[8:25, 12:30] = 1
    seen = placement.move_mask(mask, size) == 1
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not len(rows):
        return
    # A pixel counts where its centre is: half a pixel of the input at most. Shifts cut at the input's border.
    low, high = (max(0, down), max(0, right)), (min(40, 40 + down), min(50, 50 + right))
    clipped = [max(left, low[1]), max(top, low[0]), min(end, high[1]), min(bottom, high[0])]
    found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(found, clipped, atol=0.5 + 1e-9)


def test_the_share_of_a_box_that_is_seen() -> None:
    boxes = np.array([[0.0, 0, 10, 10], [5, 5, 15, 15], [20, 20, 30, 30], [3, 3, 3, 9]])
    placement = Placement((0, 0, 10, 10), flip=True)
    np.testing.assert_allclose(placement.visible_share(boxes, (64, 32)), [1, 0.25, 0, 0])

"""Boxes and masks go where the pixels go."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tformer_edge.picture_file import picture_file
from tformer_keras.data.placement import Box, Placement, crop_file, crop_pixels, fewest_pixels, move_pixels

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


@pytest.mark.parametrize("box", [(10, 7, 61, 90), (-13, 20, 150, 75), (-5, -9, 130, 183), (60, 80, 40, 81)])
@pytest.mark.parametrize("parts", [1, 2, 4, 8])
def test_a_crop_of_a_reduced_picture_is_nearly_the_crop(box: Box, parts: int) -> None:
    """Of means of the picture's pixels: what is left of the edges of its ground included, and never moved."""
    coarse = np.random.default_rng(2).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    whole = np.asarray(Image.fromarray(coarse).resize((168, 120), Image.Resampling.BICUBIC))
    small = (
        whole.reshape(120 // parts, parts, 168 // parts, parts, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    )
    size = (max(1, box[2] // parts), max(1, box[3] // parts))
    crop, expected = crop_pixels(small, box, size, 77, parts), crop_pixels(whole, box, size, 77)
    assert crop.shape == expected.shape and crop.dtype == np.uint8
    assert np.abs(crop.astype(int) - expected).mean() < (3.0 if parts > 1 else 0.01)


def test_a_crop_of_a_file_is_that_of_its_pixels() -> None:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (67, 90, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "JPEG")
    for box, parts in (((3, 5, 40, 50), 1), ((3, 5, 41, 51), 2), ((-7, 20, 90, 71), 4)):
        with picture_file(stream.getvalue()) as file:
            found = crop_file(file, box, (9, 12), 114, parts)
        with picture_file(stream.getvalue()) as file:
            whole = file.pixels(parts)
        np.testing.assert_array_equal(found, crop_pixels(whole, box, (9, 12), 114, parts))


def test_a_picture_is_reduced_as_far_as_the_crop_stays_as_large_as_the_input() -> None:
    for sides, most, parts in (
        ((800, 1000), 8, 8),
        ((799, 1000), 8, 4),
        ((800, 799), 8, 4),
        ((800, 1000), 2, 2),
        ((199, 1000), 8, 1),
        ((200, 200), 8, 2),
        ((99, 30), 8, 1),
    ):
        assert fewest_pixels((-4, 3, *sides), (100, 100), most) == parts

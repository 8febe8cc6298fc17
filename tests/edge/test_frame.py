"""Where a picture lies in an input: against pixels that are really resized, cropped and padded."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tformer_edge.frame import Frame
from tformer_edge.preprocessing import Preprocessing, grey

SIZES = st.tuples(st.integers(1, 90), st.integers(1, 90))
RULES = st.sampled_from(("stretch", "shorter", "letterbox"))


@given(SIZES, SIZES, RULES)
def test_boxes_go_there_and_back(picture: tuple[int, int], size: tuple[int, int], rule: str) -> None:
    frame = Preprocessing(size, rule).frame(picture)
    height, width = picture
    boxes = np.array([[0, 0, width, height], [width / 4, height / 3, width / 2, height / 2]])
    np.testing.assert_allclose(
        frame.to_picture(frame.to_input(boxes)), boxes, atol=1e-9 * max(picture) + 1e-9
    )


@given(SIZES, SIZES, RULES)
def test_what_is_seen_lies_in_the_picture_and_the_box(
    picture: tuple[int, int], size: tuple[int, int], rule: str
) -> None:
    frame = Preprocessing(size, rule).frame(picture)
    top, left, height, width = frame.seen()
    assert top >= 0 and top + height <= picture[0] and left >= 0 and left + width <= picture[1]
    if rule != "shorter":
        assert (height, width) == picture
    if height and width:
        cells = (7, 5)
        row, column, tall, wide = frame.window(cells)
        assert row >= 0 and column >= 0 and row + tall <= cells[0] and column + wide <= cells[1]


@pytest.mark.parametrize("rule", ["stretch", "shorter", "letterbox"])
@pytest.mark.parametrize("picture", [(60, 100), (100, 60), (37, 41)])
def test_a_mark_in_the_picture_is_found_where_the_frame_says(rule: str, picture: tuple[int, int]) -> None:
    image = np.zeros((*picture, 3), np.uint8)
    middle = picture[0] // 2, picture[1] // 2
    image[middle[0] - 3 : middle[0] + 3, middle[1] - 3 : middle[1] + 3] = 255
    preprocessing = Preprocessing((64, 48), rule, pad_value=0 if rule == "letterbox" else None)
    pixels = preprocessing.pixels(image)[..., 0]
    rows, columns = (np.flatnonzero(pixels.max(axis=axis) > 127) for axis in (1, 0))
    box = [[middle[1] - 3, middle[0] - 3, middle[1] + 3, middle[0] + 3]]
    expected = preprocessing.frame(picture).to_input(np.array(box, float))[0]
    found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    np.testing.assert_allclose(found, expected, atol=1.0)


def test_the_picture_of_a_letterbox_begins_below_zero() -> None:
    frame = Preprocessing((100, 100), "letterbox").frame((50, 100))
    assert frame.box == (Fraction(-25), 0, 100, 100) and frame.seen() == (0, 0, 50, 100)
    boxes = frame.to_picture(np.array([[0.0, 0.0, 100.0, 100.0], [10.0, 30.0, 20.0, 40.0]]))
    assert boxes.tolist() == [[0, 0, 100, 50], [10, 5, 20, 15]]


@given(st.tuples(st.integers(1, 9000), st.integers(1, 9000)), SIZES, RULES)
def test_a_frame_survives_float64(picture: tuple[int, int], size: tuple[int, int], rule: str) -> None:
    frame = Preprocessing(size, rule).frame(picture)
    assert Frame.of([*picture, *map(float, frame.box)], size) == frame


def test_a_frame_may_show_no_whole_pixel() -> None:
    frame = Frame((10, 10), (4, 4), (Fraction(1, 4), Fraction(1, 4), Fraction(1, 2), Fraction(1, 2)))
    assert frame.seen()[2:] == (0, 0)


@given(st.integers(0, 255))
def test_grey_pixels_stay(value: int) -> None:
    assert grey(np.full((2, 3, 3), value, np.uint8)).tolist() == np.full((2, 3, 1), value).tolist()


def test_grey_is_pillows_rule() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    red, green, blue = image.astype(np.int64).transpose(2, 0, 1)
    expected = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    np.testing.assert_array_equal(grey(image)[..., 0], expected)
    preprocessing = Preprocessing((20, 30), "stretch", channel_order="grey", encoding="pixels")
    np.testing.assert_array_equal(preprocessing(image)[..., 0], expected.astype(np.float32))
    np.testing.assert_array_equal(preprocessing(grey(image)), preprocessing(image))

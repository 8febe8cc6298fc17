"""Boxes put right, and turned as their picture is."""

import numpy as np
import pytest

from tformer_edge.image_files import LeftOut
from tformer_edge.images import _turned
from tformer_keras.data.boxes import as_seen, clean_boxes, turn_boxes


def test_defects_are_put_right_and_counted() -> None:
    boxes = [
        [1, 2, 30, 20],  # right
        [-5, 2, 30, 20],  # past the picture
        [1, 2, 30, 20],  # twice
        [1, 2, 30, 20],  # another class: another thing
        [50, 5, 60, 9],  # outside
        [5, 5, 5, 9],  # no width
        [9, 9, 3, 12],  # turned round
        [1, 2, float("nan"), 20],
        [1, 2, float("inf"), 20],
    ]
    left_out = LeftOut()
    found = clean_boxes(boxes, [0, 0, 0, 1, 0, 0, 0, 0, 0], (40, 40), left_out)
    assert found.boxes.tolist() == [[1, 2, 30, 20], [0, 2, 30, 20], [1, 2, 30, 20]]
    assert found.labels.tolist() == [0, 0, 1] and found.areas.tolist() == [522, 540, 522]
    assert left_out == {
        "boxes that reached past their picture (clipped)": 1,
        "boxes that were there twice": 1,
        "boxes without an area in their picture": 5,
    }


def test_a_picture_of_nothing_stays() -> None:
    left_out = LeftOut()
    found = clean_boxes([], [], (4, 5), left_out)
    assert found.boxes.shape == (0, 4) and not left_out and found.size == (4, 5)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_as_pillows_pictures_do(orientation: int) -> None:
    picture = np.zeros((12, 20, 3), np.uint8)
    picture[2:5, 7:16] = 255
    turned = _turned(picture, orientation)[..., 0]
    rows, columns = np.flatnonzero(turned.any(axis=1)), np.flatnonzero(turned.any(axis=0))
    expected = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    assert turn_boxes(np.array([[7, 2, 16, 5]]), (12, 20), orientation)[0].tolist() == expected


def test_boxes_of_the_stored_picture_are_turned_with_it() -> None:
    boxes = np.array([[7.0, 2, 16, 5]])
    turned = turn_boxes(boxes, (12, 20), 6)
    np.testing.assert_array_equal(as_seen(boxes, (12, 20), (20, 12), 6), turned)
    for said in ((20, 12), None):  # as it is seen, or not said
        np.testing.assert_array_equal(as_seen(boxes, said, (20, 12), 6), boxes)
    np.testing.assert_array_equal(as_seen(boxes, (12, 20), (12, 20), 1), boxes)

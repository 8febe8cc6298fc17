"""Segmentation, the device half: a class for each pixel of the picture, areas, and what is shown."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from tformer_edge.class_maps import class_map
from tformer_edge.output_json import Output
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_edge.tasks.segmentation import NOT_SEEN, TASK
from tformer_edge.tasks.segmentation_options import SegmentationOptions

MEANS = OutputsMean(("sky", "road", "car"), "logits", (Output("x", "class_logits", 4),))
LOGITS = np.zeros((6, 8, 3), np.int8)
LOGITS[:3, :, 0] = 50
LOGITS[3:, :, 1] = 50
LOGITS[4:, 6:, 2] = 90
INFO = TensorInfo((1, 6, 8, 3), "int8", 0.1, 3)


def answer(rule: str, picture: tuple[int, int], logits: np.ndarray = LOGITS, info: TensorInfo = INFO):
    frame = Preprocessing((24, 32), rule).frame(picture)
    return TASK.answer([logits], [info], MEANS, frame, SegmentationOptions())


def test_every_pixel_of_a_stretched_picture_has_a_class() -> None:
    found = answer("stretch", (48, 32))
    assert found.class_map.shape == (48, 32) and found.class_map.dtype == np.int32
    np.testing.assert_array_equal(found.class_map, class_map(LOGITS, (48, 32)))
    assert [one.label for one in found.areas] == ["sky", "road", "car"]
    assert sum(one.pixels for one in found.areas) == 48 * 32
    assert sum(one.share for one in found.areas) == pytest.approx(1)


def test_what_a_crop_leaves_out_has_no_class() -> None:
    found = answer("shorter", (24, 64))
    assert (found.class_map[:, :16] == NOT_SEEN).all() and (found.class_map[:, 48:] == NOT_SEEN).all()
    np.testing.assert_array_equal(found.class_map[:, 16:48], class_map(LOGITS, (24, 32)))
    assert found.to_json()["size"] == [24, 64]


def test_padding_is_no_part_of_the_picture() -> None:
    found = answer("letterbox", (24, 64))  # 12 of the 24 rows, from the 7th on
    np.testing.assert_array_equal(found.class_map, class_map(LOGITS, (24, 64), (Fraction(3, 2), 0, 3, 8)))


def test_uint8_and_real_logits_give_the_same_classes() -> None:
    expected = answer("stretch", (30, 50)).class_map
    shifted = (LOGITS.astype(np.int16) + 128).astype(np.uint8)
    for given, kind in ((shifted, "uint8"), (INFO.dequantize(LOGITS), "float64")):
        found = answer("stretch", (30, 50), given, TensorInfo(given.shape, kind, 0.1, 131))
        np.testing.assert_array_equal(found.class_map, expected)


def test_agreement_is_of_the_cells() -> None:
    other = LOGITS.copy()
    other[0, :4] = (0, 9, 100)
    shares = TASK.agreement([np.stack([LOGITS, LOGITS])], [np.stack([LOGITS, other])], [INFO], MEANS)
    assert shares.tolist() == [1, 1 - 4 / 48]


def test_golden_answer_is_of_the_input() -> None:
    data = TASK.golden_answer([LOGITS[None]], [INFO], MEANS, (24, 32))
    np.testing.assert_array_equal(np.frombuffer(data, "<u2").reshape(24, 32), class_map(LOGITS, (24, 32)))


def test_it_is_drawn_and_saved() -> None:
    found = answer("shorter", (240, 640))
    picture = Image.new("RGB", (640, 240), "white")
    drawn = np.asarray(found.draw(picture)).astype(int)
    assert (drawn[239, :160] == 255).all()  # not seen: as it was
    expected = [255 + 0.55 * (part - 255) for part in found.colours[1]]
    np.testing.assert_allclose(drawn[220, 200], expected, atol=1)
    mask = found.mask()
    assert mask.mode == "P" and np.asarray(mask)[0, 0] == 255 and np.asarray(mask)[0, 200] == 0
    assert found.line().startswith("sky ")

"""Detection, the device half: boxes in the picture's pixels, agreement, golden answers, and what is shown."""

import argparse
import struct

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_edge.output_json import DetectionRule, Output
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks import detection_options
from tformer_edge.tasks.detection import TASK
from tformer_edge.tasks.detection_options import DetectionOptions
from tformer_edge.tasks.outputs_mean import OutputsMean

ANCHORS = ((16.0, 16.0), (32.0, 8.0))
OUTPUTS = (Output("logits_p3", "logits", 8, ANCHORS), Output("deltas_p3", "deltas", 8, ANCHORS))
MEANS = OutputsMean(("red cell", "white\x1b cell"), "logits", OUTPUTS, DetectionRule(0.5, 0.5, 100, 10))
INFOS = (TensorInfo((1, 4, 6, 4), "int8", 0.1, 0), TensorInfo((1, 4, 6, 8), "int8", 0.01, 0))


def maps(*things: tuple[int, int, int, int, int]) -> list[np.ndarray]:
    """Of one image: (row, column, anchor, class, logit) of each thing, with deltas of 0."""
    logits = np.full((4, 6, 2, 2), -100, np.int8)
    for row, column, anchor, label, value in things:
        logits[row, column, anchor, label] = value
    return [logits.reshape(4, 6, 4), np.zeros((4, 6, 8), np.int8)]


def answer(values: list[np.ndarray], picture: tuple[int, int] = (32, 48), **options: float):
    frame = Preprocessing((32, 48), "stretch").frame(picture)
    return TASK.answer(values, INFOS, MEANS, frame, DetectionOptions(**options))


def test_boxes_are_in_the_pictures_pixels() -> None:
    found = answer(maps((1, 2, 0, 0, 20), (3, 5, 1, 1, 30)), (64, 48))
    assert [(one.index, one.label) for one in found] == [(1, "white\x1b cell"), (0, "red cell")]
    # Anchor 1 at (3, 5): centre (44, 28), 32 x 8; clipped to the input, then twice as high in the picture.
    assert found.objects[0].box == (28, 48, 48, 64)
    assert found.objects[1].box == (12, 8, 28, 40)
    assert found.objects[0].score == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_options_overrule_the_contract() -> None:
    values = maps((1, 1, 0, 0, 20), (1, 4, 0, 0, -10))
    assert len(answer(values)) == 1 and len(answer(values, score_threshold=0.2)) == 2
    assert len(answer(values, score_threshold=0.2, max_boxes=1)) == 1
    both = maps((1, 1, 0, 0, 20), (1, 2, 0, 0, 10))  # overlap of 1/3
    assert len(answer(both)) == 2 and len(answer(both, iou_threshold=0.3)) == 1


def test_real_numbers_and_uint8_find_the_same() -> None:
    values = maps((1, 2, 0, 0, 20), (3, 5, 1, 1, 30))
    frame = Preprocessing((32, 48), "stretch").frame((50, 70))
    expected = answer(values, (50, 70))
    real = [info.dequantize(one) for info, one in zip(INFOS, values, strict=True)]
    kinds = {"float": (real, [TensorInfo(one.shape, "float64") for one in real])}
    kinds["uint8"] = (
        [(one.astype(np.int16) + 128).astype(np.uint8) for one in values],
        [TensorInfo(info.shape, "uint8", info.scale, 128) for info in INFOS],
    )
    for given, infos in kinds.values():
        found = TASK.answer(given, infos, MEANS, frame, DetectionOptions())
        assert [one.box for one in found] == [one.box for one in expected]


def test_lines_and_json_say_what_was_found() -> None:
    found = answer(maps((0, 0, 0, 0, 20), (3, 3, 0, 0, 10), (3, 5, 1, 1, 30)))
    assert found.line() == "2 × red cell (best 88 %)   1 × white\\x1b cell (best 95 %)"
    (first, *_) = found.to_json()["objects"]
    assert first["index"] == 1 and len(first["box"]) == 4
    assert answer(maps()).line() == "nothing found" and answer(maps()).to_json() == {"objects": []}


@pytest.mark.parametrize("ground", ["white", "black"])
def test_boxes_are_drawn_inside_the_picture(ground: str) -> None:
    picture = Image.new("RGB", (48, 32), ground)
    found = answer(maps((0, 0, 0, 0, 20), (3, 5, 1, 1, 30)))
    drawn = found.draw(picture)
    assert drawn.size == picture.size and np.asarray(picture).std() == 0
    assert tuple(np.asarray(drawn)[31, 40]) == found.colours[1]


def test_agreement_is_the_share_of_boxes_that_pair_up() -> None:
    one = [np.stack(parts) for parts in zip(maps((1, 1, 0, 0, 20), (3, 4, 0, 1, 20)), maps(), strict=True)]
    same = TASK.agreement(one, one, INFOS, MEANS)
    assert same.tolist() == [1, 1]
    elsewhere = maps((1, 1, 0, 0, 20), (3, 4, 0, 0, 20)), maps((0, 0, 0, 0, 9))
    other = [np.stack(parts) for parts in zip(*elsewhere, strict=True)]
    assert TASK.agreement(one, other, INFOS, MEANS).tolist() == [0.5, 0]


def test_the_golden_answer_holds_every_box() -> None:
    values = [one[None] for one in maps((1, 2, 0, 0, 20))]
    data = TASK.golden_answer(values, INFOS, MEANS, (32, 48))
    assert data == struct.pack("<I", 1) + struct.pack("<Id4d", 0, 20 * 0.1, 12, 4, 28, 20)


def test_without_a_rule_nothing_is_guessed() -> None:
    means = OutputsMean(("a", "b"), "logits", OUTPUTS)
    with pytest.raises(UserError, match="how boxes are found"):
        TASK.golden_answer([one[None] for one in maps()], INFOS, means, (32, 48))


def test_options() -> None:
    parser = argparse.ArgumentParser()
    detection_options.add_arguments(parser)
    assert detection_options.options(parser.parse_args([])) == DetectionOptions()
    arguments = ["--score-threshold", "0.4", "--iou-threshold", "1", "--max-boxes", "7"]
    assert detection_options.options(parser.parse_args(arguments)) == DetectionOptions(0.4, 1, 7)
    for bad in ({"score_threshold": 0}, {"score_threshold": 1}, {"iou_threshold": 1.1}, {"max_boxes": 0}):
        with pytest.raises(UserError, match="received"):
            DetectionOptions(**bad)

"""Segmentation, the server half: the loss, class weights, intersection over union at the pictures' own resolution."""

import dataclasses
import math

import keras
import numpy as np
import pytest
from keras import ops

from tformer_edge.class_maps import class_map
from tformer_edge.errors import UserError
from tformer_edge.output_json import Output
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.dataset import ImageSplit
from tformer_keras.data.placement import Placement
from tformer_keras.tasks.annotations import MaskAnnotation
from tformer_keras.tasks.segmentation import Segmentation, class_weights
from tformer_keras.training.recipes import RECIPES

RECIPE = RECIPES["segment"]
TASK = Segmentation((Output("x", "class_logits", 4),), (16, 24))
RANDOM = np.random.default_rng(3)
LOGITS = RANDOM.normal(size=(2, 4, 6, 3)).astype(np.float32)
MASK = RANDOM.integers(-1, 3, (2, 16, 24)).astype(np.int32)


def annotation(mask: np.ndarray) -> MaskAnnotation:
    return MaskAnnotation(mask.shape, lambda: mask)


def split(*masks: np.ndarray) -> ImageSplit:
    names = tuple(map(str, range(len(masks))))
    return ImageSplit(
        names, [annotation(mask) for mask in masks], lambda index: np.zeros((4, 4, 3), np.uint8)
    )


def plain_loss(weights: list[float]) -> float:
    """Over every pixel: bilinear logits by hand, then minus the logarithm of the softmax."""
    total = counted = 0.0
    for image in range(2):
        for y in range(16):
            for x in range(24):
                label = MASK[image, y, x]
                if label < 0:
                    continue
                parts = []
                for position, count in (((y + 0.5) / 4 - 0.5, 4), ((x + 0.5) / 4 - 0.5, 6)):
                    position = min(max(position, 0.0), count - 1.0)
                    first = min(int(position), count - 1)
                    parts.append((first, min(first + 1, count - 1), position - first))
                (top, bottom, down), (left, right, across) = parts
                maps = LOGITS[image].astype(float)
                upper = maps[top, left] * (1 - across) + maps[top, right] * across
                lower = maps[bottom, left] * (1 - across) + maps[bottom, right] * across
                z = upper * (1 - down) + lower * down
                total += weights[label] * (math.log(np.exp(z).sum()) - z[label])
                counted += weights[label]
    return total / counted


def test_the_loss_is_the_plain_one() -> None:
    assert float(TASK.loss((MASK,), [LOGITS], None, RECIPE)) == pytest.approx(plain_loss([1, 1, 1]), rel=1e-5)
    weighted = dataclasses.replace(TASK, weights=(0.5, 2.0, 4.0))
    assert float(weighted.loss((MASK,), [LOGITS], None, RECIPE)) == pytest.approx(
        plain_loss([0.5, 2, 4]), rel=1e-5
    )


def test_unlabelled_pictures_and_padding_cost_nothing() -> None:
    assert float(TASK.loss((np.full_like(MASK, -1),), [LOGITS], None, RECIPE)) == 0
    one = float(TASK.loss((MASK,), [LOGITS], np.array([1, 0], np.float32), RECIPE))
    assert one == pytest.approx(float(TASK.loss((MASK[:1],), [LOGITS[:1]], None, RECIPE)), rel=1e-5)


def test_class_weights_follow_from_the_pixels() -> None:
    first, second = np.zeros((4, 5), np.int32), np.full((4, 5), -1, np.int32)
    second[0] = 1
    found = class_weights(split(first, second), 3)
    shares = (20 / 25, 5 / 25, 0)
    assert found == pytest.approx([1 / math.log(1.1 + share) for share in shares])


def test_binding_takes_them_from_the_training_split() -> None:
    inputs = keras.Input((16, 24, 3))
    from tformer_keras.layers import OutputMap

    model = keras.Model(inputs, OutputMap("class_logits", 4)(keras.layers.Conv2D(3, 4, 4)(inputs)))
    data = split(np.zeros((4, 5), np.int32))
    bound = Segmentation().of(model, data, RECIPE)
    assert bound.size == (16, 24) and bound.weights == class_weights(data, 3)
    assert Segmentation().of(model).weights is None
    bound.check(model, 3)
    with pytest.raises(UserError, match="logits of 4 classes, received 3"):
        bound.check(model, 4)
    with pytest.raises(UserError, match="expected a segmenter"):
        bound.check(keras.Model(inputs, keras.layers.Conv2D(3, 4)(inputs)), 3)
    assert [layer.name for layer in bound.head_layers(model)] == [model.layers[1].name]


def test_training_sees_masks_as_the_input_does() -> None:
    mask = RANDOM.integers(0, 3, (32, 48)).astype(np.int32)
    (found,) = TASK.encode([annotation(mask)], [Placement((0, 0, 32, 48), flip=True)], (16, 24), 3)
    np.testing.assert_array_equal(found[0], mask[1::2, 1::2][:, ::-1])
    assert TASK.truth_shapes((16, 24), 3) == (((16, 24), "int32"),)
    with pytest.raises(UserError, match="classes below 2"):
        TASK.encode([annotation(mask)], [Placement((0, 0, 32, 48))], (16, 24), 2)


@pytest.mark.parametrize("rule", ["stretch", "shorter", "letterbox"])
def test_the_judge_compares_at_the_pictures_resolution(rule: str) -> None:
    random = np.random.default_rng(7)
    masks = [random.integers(-1, 3, size).astype(np.int32) for size in ((30, 50), (41, 33))]
    data = split(*masks)
    judging = TASK.judging(data)
    assert judging.truth_shapes((16, 24), 3) == (((41, 50), "int32"), ((6,), "float64"))
    rules = Preprocessing((16, 24), rule)
    placements = [Placement(rules.seen(*mask.shape)) for mask in masks]
    truth = judging.encode([annotation(mask) for mask in masks], placements, (16, 24), 3)
    judge = judging.judge(("a", "b", "c"), "logits")
    judge.add([LOGITS], truth, np.ones(2))
    expected = np.zeros((3, 3), np.int64)
    for mask, logits in zip(masks, LOGITS, strict=True):
        frame = rules.frame(mask.shape)
        top, left, height, width = frame.seen()
        answer = class_map(logits, (height, width), frame.window((4, 6)))
        for label, found in zip(
            mask[top : top + height, left : left + width].ravel(), answer.ravel(), strict=True
        ):
            if label >= 0:
                expected[label, found] += 1
    np.testing.assert_array_equal(judge.confusion, expected)


def test_figures_are_those_of_the_definition() -> None:
    judge = TASK.judge(("a", "b", "c"), "logits")
    judge.confusion = np.array([[8, 2, 0], [1, 4, 0], [0, 0, 0]])
    judge.images += 2
    result = judge.result()
    assert result.ious[:2].tolist() == [8 / 11, 4 / 7] and np.isnan(result.ious[2])
    assert result.headline.value == pytest.approx((8 / 11 + 4 / 7) / 2)
    assert result.figures["pixel_accuracy"].value == 12 / 15
    assert result.to_json()["per_class"][2]["iou"] is None and "mIoU" in result.table()
    assert result.pictures()["confusion.png"][:4] == b"\x89PNG"
    other = TASK.judge(("a", "b", "c"), "logits")
    other.merge(judge.state())
    other.merge(judge.state())
    assert other.result().confusion.tolist() == (2 * judge.confusion).tolist() and other.result().images == 4


def test_what_training_shows_is_the_share_of_right_cells() -> None:
    (shares,) = TASK.measure((MASK,), [LOGITS]).values()
    label = MASK[:, 2::4, 2::4]
    right = (LOGITS.argmax(-1) == label) & (label >= 0)
    expected = right.sum(axis=(1, 2)) / (label >= 0).sum(axis=(1, 2))
    np.testing.assert_allclose(ops.convert_to_numpy(shares), expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_teacher_is_learnt_from(kind: str) -> None:
    own = float(TASK.distill([LOGITS], "logits", [LOGITS], RECIPE, kind))
    other = float(TASK.distill([LOGITS], "logits", [LOGITS[..., ::-1]], RECIPE, kind))
    assert other > own and (kind == "hard" or own == pytest.approx(0, abs=1e-6))

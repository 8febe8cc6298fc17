"""Focal and box loss of a detector against plain loops in float64."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from tformer_keras.tasks import TASKS
from tformer_keras.tasks.detection_loss import box_loss, flat, focal_loss, positives
from tformer_keras.training.recipes import RECIPES

RECIPE = dataclasses.replace(RECIPES["detect"], box_weight=0.5)
CLASSES, ANCHORS = 3, 2
RANDOM = np.random.default_rng(1)
MAPS = [
    RANDOM.normal(size=(2, *size, ANCHORS * kind)).astype(np.float32)
    for size in ((3, 4), (2, 2))
    for kind in (CLASSES, 4)
]
COUNT = (12 + 4) * ANCHORS
LABELS = RANDOM.integers(-2, CLASSES, (2, COUNT)).astype(np.int32)
TARGETS = RANDOM.normal(size=(2, COUNT, 4)).astype(np.float32)


def plain_loss() -> float:
    logits = np.concatenate([one.reshape(2, -1, CLASSES) for one in MAPS[::2]], axis=1).astype(float)
    deltas = np.concatenate([one.reshape(2, -1, 4) for one in MAPS[1::2]], axis=1).astype(float)
    total, count = 0.0, 0
    for image in range(2):
        for anchor in range(COUNT):
            label = LABELS[image, anchor]
            if label == -2:
                continue
            for number in range(CLASSES):
                p = 1 / (1 + math.exp(-logits[image, anchor, number]))
                right, alpha = (p, 0.25) if number == label else (1 - p, 0.75)
                total += -alpha * (1 - right) ** 2 * math.log(right)
            if label >= 0:
                count += 1
                total += 0.5 * np.abs(deltas[image, anchor] - TARGETS[image, anchor]).sum()
    return total / count


def test_the_loss_is_the_plain_one() -> None:
    loss = TASKS["detection"].loss((LABELS, TARGETS), MAPS, None, RECIPE)
    assert float(loss) == pytest.approx(plain_loss(), rel=1e-5)


def test_weights_leave_images_out() -> None:
    task = TASKS["detection"]
    one = float(task.loss((LABELS, TARGETS), MAPS, np.array([1.0, 0.0], np.float32), RECIPE))
    alone = [part[:1] for part in (LABELS, TARGETS)], [part[:1] for part in MAPS]
    first = float(task.loss(*alone, None, RECIPE)) * float(positives(LABELS[:1]))
    assert one * float(positives(LABELS)) == pytest.approx(first, rel=1e-5)


def test_a_batch_without_things_has_a_finite_loss() -> None:
    background = np.full_like(LABELS, -1)
    loss = float(TASKS["detection"].loss((background, TARGETS * 0), MAPS, None, RECIPE))
    assert math.isfinite(loss) and float(positives(background)) == 1


def test_extreme_logits_stay_finite() -> None:
    logits = np.array([[[1e4, -1e4, 0.0]]], np.float32)
    for label in (-1, 0, 1):
        cost = np.asarray(focal_loss(np.array([[label]], np.int32), logits))
        assert np.isfinite(cost).all() and (cost >= 0).all()
    assert not np.asarray(focal_loss(np.array([[-2]], np.int32), logits)).any()


def test_the_box_loss_counts_anchors_with_a_class_alone() -> None:
    cost = np.asarray(box_loss(LABELS, TARGETS, np.zeros_like(TARGETS)))
    np.testing.assert_allclose(cost, np.abs(TARGETS).sum(-1) * (LABELS >= 0), rtol=1e-6)


def test_maps_lie_behind_each_other_as_anchors_do() -> None:
    logits, deltas = flat(MAPS, CLASSES)
    assert tuple(logits.shape) == (2, COUNT, CLASSES) and tuple(deltas.shape) == (2, COUNT, 4)
    np.testing.assert_array_equal(np.asarray(logits)[0, 1], MAPS[0][0, 0, 0, CLASSES:])


def test_what_training_shows_is_the_share_of_right_anchors() -> None:
    (share,) = TASKS["detection"].measure((LABELS, TARGETS), MAPS).values()
    logits = np.asarray(flat(MAPS, CLASSES)[0])
    for image in range(2):
        there = LABELS[image] >= 0
        expected = (logits[image].argmax(-1)[there] == LABELS[image][there]).mean()
        assert float(share[image]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_a_teacher_is_learnt_from(kind: str) -> None:
    task = TASKS["detection"]
    own = float(task.distill(MAPS, "logits", MAPS, RECIPE, kind))
    other = float(task.distill(MAPS, "logits", [one + 1 for one in MAPS], RECIPE, kind))
    assert other > own and (kind == "hard" or own == pytest.approx(0, abs=1e-5))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf-keras: run without KERAS_BACKEND=jax")
def test_tensors_of_tf_keras_give_the_same_loss() -> None:
    import tensorflow as tf

    maps = [tf.Variable(one) for one in MAPS]
    with tf.GradientTape() as tape:
        loss = TASKS["detection"].loss((tf.constant(LABELS), tf.constant(TARGETS)), maps, None, RECIPE)
    assert float(loss) == pytest.approx(plain_loss(), rel=1e-5)
    assert all(np.isfinite(gradient.numpy()).all() for gradient in tape.gradient(loss, maps))

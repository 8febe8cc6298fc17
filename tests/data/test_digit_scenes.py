"""Scenes of digits: the same for ever, boxes and masks that belong together, other digits for testing."""

import numpy as np
import pytest

from tformer_keras.data.digit_scenes import GROUND
from tformer_keras.data.load import load_dataset


def test_sizes_classes_and_tasks() -> None:
    boxes, masks = load_dataset("digit-scenes"), load_dataset("digit-scenes-masks")
    assert (boxes.task, masks.task) == ("detection", "segmentation")
    assert boxes.class_names == tuple("0123456789") and masks.class_names == (*boxes.class_names, "ground")
    assert (len(boxes.train), len(boxes.test)) == (800, 160)
    counts = [len(boxes.train.annotation(index).labels) for index in range(100)]
    assert min(counts) == 0 and max(counts) >= 4


def test_a_scene_depends_on_seed_split_and_index_alone() -> None:
    one, other = load_dataset("digit-scenes", seed=3), load_dataset("digit-scenes", seed=3)
    other.train.pixels(0)
    np.testing.assert_array_equal(one.train.pixels(7), other.train.pixels(7))
    assert not np.array_equal(one.train.pixels(7), one.test.pixels(7))
    assert not np.array_equal(one.train.pixels(7), load_dataset("digit-scenes", seed=4).train.pixels(7))


@pytest.mark.parametrize("split", ["train", "test"])
def test_boxes_lie_tightly_around_the_masks_of_the_same_scenes(split: str) -> None:
    boxes, masks = (getattr(load_dataset(name), split) for name in ("digit-scenes", "digit-scenes-masks"))
    for index in range(60):
        np.testing.assert_array_equal(boxes.pixels(index), masks.pixels(index))
        found, mask = boxes.annotation(index), masks.annotation(index).read()
        assert found.size == mask.shape == (96, 96)
        seen = set(np.unique(mask).tolist()) - {GROUND}
        assert seen <= set(found.labels.tolist())
        for digit in seen:
            rows, columns = np.nonzero(mask == digit)
            own = found.boxes[found.labels == digit]
            # What lies on top may hide the rim of another digit, but nothing lies outside the boxes.
            assert own[:, 0].min() <= columns.min() and columns.max() < own[:, 2].max()
            assert own[:, 1].min() <= rows.min() and rows.max() < own[:, 3].max()
        if len(found.labels) == len(seen) == 1:
            rows, columns = np.nonzero(mask != GROUND)
            expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert found.boxes[0].tolist() == expected


def test_digits_can_be_told_from_their_ground() -> None:
    data = load_dataset("digit-scenes-masks").train
    for index in range(20):
        mask, pixels = data.annotation(index).read(), data.pixels(index).astype(float) @ [0.299, 0.587, 0.114]
        for digit in set(np.unique(mask).tolist()) - {GROUND}:
            rows, columns = np.nonzero(mask == digit)
            around = pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert np.ptp(around) > 60

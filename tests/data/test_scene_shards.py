"""What several processes judge by shares of each batch, boxes and masks, is what one judges whole."""

from typing import Any

import numpy as np
import pytest

from tformer_edge.output_json import Output
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data import Loader, load_dataset
from tformer_keras.tasks.detection import Detection
from tformer_keras.tasks.segmentation import Segmentation
from tformer_keras.tasks.sheet import Evaluated
from tformer_keras.tasks.task import evaluate

SIZE, ANCHORS = Preprocessing((32, 32), "stretch"), ((12.0, 12.0),)
TASKS: dict[str, Any] = {
    "digit-scenes": Detection(
        (Output("l", "logits", 8, ANCHORS), Output("d", "deltas", 8, ANCHORS)), (32, 32)
    ),
    "digit-scenes-masks": Segmentation((Output("x", "class_logits", 8),), (32, 32)),
}


def answers(images: np.ndarray) -> list[np.ndarray]:
    """Of each image by itself: functions of its pixels, as a model's are."""
    cells = images.reshape(len(images), 4, 8, 4, 8, 3).mean(axis=(2, 4))
    scores = np.tanh(np.tile(cells, 4)[..., :11]) * 4
    scores[..., 10] += 4  # the ground is right often enough that no two images are equally wrong
    return [scores, np.tanh(np.tile(cells, 2)[..., :4])]


@pytest.mark.parametrize("name", TASKS)
def test_merged_judges_of_shards_equal_one(name: str) -> None:
    dataset, task = load_dataset(name), TASKS[name]
    classes = len(dataset.class_names)

    def run(images: np.ndarray) -> list[np.ndarray]:
        scores, deltas = answers(images)
        return [scores[..., :classes], deltas][: len(task.outputs)]

    def judged(count: int) -> tuple[Any, Evaluated]:
        whole = task.judge(dataset.class_names, "logits")
        for index in range(count):
            loader = Loader(
                dataset.test, SIZE, 6, shuffle=False, task=task.judging(dataset.test), classes=classes,
                shard=(index, count), limit=8,
            )  # fmt: skip
            batches = (loader.batch(0, step) for step in range(loader.steps_per_epoch))
            judge = task.judge(dataset.class_names, "logits")
            evaluate(run, batches, judge)
            whole.merge(judge.state())
        return whole.result(), Evaluated(dataset.test, loader.evaluated())

    (one, alone), (parts, shared) = judged(1), judged(3)
    assert one.images == parts.images == 48 == len(set(shared.order.tolist()))
    assert parts.to_json() == one.to_json()
    assert shared.order.tolist() != alone.order.tolist() == list(range(48))
    if name == "digit-scenes":
        assert len(one.boxes) > 100
        for rows, others in ((one.boxes, parts.boxes), (one.truth, parts.truth)):
            moved = np.column_stack([shared.order[others[:, 0].astype(int)], others[:, 1:]])
            np.testing.assert_array_equal(moved[np.argsort(moved[:, 0], kind="stable")], rows)
    else:
        shown = [(image.quality, shared.name(image.number)) for image in parts.worst]
        assert sorted(shown) == sorted((image.quality, alone.name(image.number)) for image in one.worst)

"""Average precision against pycocotools, and judges that are merged."""

import contextlib
import io

import numpy as np
import pytest

from tformer_edge.box_coding import encode
from tformer_edge.output_json import Output
from tformer_keras.data.placement import Placement
from tformer_keras.tasks.annotations import BoxAnnotation
from tformer_keras.tasks.detection import Detection
from tformer_keras.tasks.detection_evaluation import confusion, evaluate_boxes
from tformer_keras.tasks.detection_judge import DetectionJudge

NAMES = ("a", "b", "c")


def scene(seed: int, images: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Things of all sizes, crowds among them, and boxes beside them of random scores."""
    random = np.random.default_rng(seed)
    things, found = [], []
    for image in range(images):
        for _ in range(random.integers(0, 7)):
            left, top = random.uniform(0, 400, 2)
            width, height = np.exp(random.uniform(1.5, 5.0, 2))
            label, crowd = random.integers(3), random.random() < 0.1
            box = [left, top, left + width, top + height]
            things.append([image, label, crowd, width * height * 0.9, *box])
            for _ in range(random.integers(0, 3)):
                shifted = np.array(box) + random.normal(0, 0.08, 4) * [width, height, width, height]
                if (shifted[2:] > shifted[:2]).all():
                    found.append([image, label if random.random() < 0.9 else 0, random.random(), *shifted])
    sizes = np.full((images, 2), 600.0)
    return np.array(found).reshape(-1, 7), np.array(things).reshape(-1, 8), sizes


def by_pycocotools(found: np.ndarray, things: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": int(n), "height": 600, "width": 600} for n in range(len(sizes))],
        "categories": [{"id": n} for n in range(3)],
        "annotations": [
            {"id": n + 1, "image_id": int(t[0]), "category_id": int(t[1]), "iscrowd": int(t[2]), "area": t[3],
             "bbox": [t[4], t[5], t[6] - t[4], t[7] - t[5]]}
            for n, t in enumerate(things)
        ],
    }  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        answers = truth.loadRes(
            [
                {"image_id": int(f[0]), "category_id": int(f[1]), "score": f[2],
                 "bbox": [f[3], f[4], f[5] - f[3], f[6] - f[4]]}
                for f in found
            ]
        )  # fmt: skip
        evaluation = COCOeval(truth, answers, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return np.asarray(evaluation.stats)


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_pycocotools(seed: int) -> None:
    parts = scene(seed)
    result = evaluate_boxes(NAMES, *parts)
    stats = by_pycocotools(*parts)
    names = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large")
    for name, expected in zip((*names, "ar100"), (*stats[:6], stats[8]), strict=True):
        assert np.nan_to_num(result.stats[name], nan=-1) == pytest.approx(expected, abs=1e-5), name
    assert np.nanmean(result.per_class[:, 0]) == pytest.approx(stats[0], abs=1e-5)
    assert np.nanmean(result.per_class[:, 1]) == pytest.approx(stats[1], abs=1e-5)
    assert result.headline == result.figures["ap"] and "AP50" in result.table()


def test_nothing_found_and_nothing_to_find() -> None:
    found, things, sizes = scene(0)
    empty = evaluate_boxes(NAMES, found[:0], things, sizes)
    assert empty.headline.value == 0 and empty.to_json()["ap_small"] is None
    nothing = evaluate_boxes(NAMES, found[:0], things[:0], sizes)
    assert nothing.headline.value == 0 and np.isnan(nothing.per_class).all()
    for result in (empty, nothing):
        assert all(data[:4] == b"\x89PNG" for data in result.pictures().values())


def test_the_confusion_counts_every_box_and_thing_once() -> None:
    things = np.array([[0, 0, 0, 1, 0, 0, 10, 10], [0, 1, 0, 1, 20, 20, 30, 30]], float)
    found = np.array(
        [
            [0, 0, 0.9, 0, 0, 10, 10],  # right
            [0, 2, 0.8, 20, 20, 30, 31],  # another class
            [0, 0, 0.7, 0, 0, 10, 9],  # a second one of the same thing
            [0, 1, 0.2, 20, 20, 30, 30],  # below the score
        ]
    )
    expected = np.zeros((4, 4), int)
    expected[0, 0] = expected[1, 2] = expected[3, 0] = 1
    np.testing.assert_array_equal(confusion(3, found, things, 1), expected)
    expected = np.zeros((4, 4), int)
    expected[0, 3] = expected[1, 3] = 1
    np.testing.assert_array_equal(confusion(3, found[:0], things, 1), expected)


ANCHORS = ((16.0, 16.0),)
TASK = Detection((Output("l", "logits", 8, ANCHORS), Output("d", "deltas", 8, ANCHORS)), (32, 48), most=3)


def judged(count: int) -> tuple[list[np.ndarray], tuple[np.ndarray, ...]]:
    """Maps that find each annotated thing exactly, of pictures twice the input's size."""
    random = np.random.default_rng(4)
    annotations, maps = [], []
    for _ in range(count):
        box = np.array([[20.0, 12.0, 52.0, 50.0]]) + random.uniform(-8, 8, 4)
        area = np.prod(box[:, 2:] - box[:, :2], axis=1)
        label = random.integers(3)
        annotations.append(BoxAnnotation((64, 96), box, np.array([label]), np.zeros(1, bool), area))
        logits, deltas = np.full((4, 6, 3), -9.0), np.zeros((4, 6, 4))
        logits[1, 2, label] = 4
        deltas[1, 2] = encode(box / 2, np.array([[20.0, 12.0, 16.0, 16.0]]))[0]
        maps.append((logits, deltas))
    outputs = [np.stack(parts) for parts in zip(*maps, strict=True)]
    return outputs, TASK.encode(annotations, [Placement((0, 0, 64, 96))] * count, (32, 48), 3)


def test_a_perfect_detector_is_perfect_in_the_pictures_pixels() -> None:
    outputs, truth = judged(6)
    judge = TASK.judge(NAMES, "logits")
    judge.add(outputs, truth, np.ones(6))
    result = judge.result()
    assert result.headline.value == pytest.approx(1) and result.images == 6
    assert np.trace(result.confusion) == 6 == result.confusion.sum()


def test_padding_counts_for_nothing_and_judges_are_merged() -> None:
    outputs, truth = judged(6)
    whole = TASK.judge(NAMES, "logits")
    whole.add(outputs, truth, np.array([1, 1, 1, 1, 0, 0]))
    merged = DetectionJudge(NAMES, TASK.outputs, TASK.size)
    for part in (slice(0, 1), slice(1, 4)):
        judge = TASK.judge(NAMES, "logits")
        judge.add([one[part] for one in outputs], [one[part] for one in truth], np.ones(4)[part])
        merged.merge(judge.state())
    for name, array in whole.state().items():
        np.testing.assert_array_equal(merged.state()[name], array)
    assert merged.result().to_json() == whole.result().to_json()

"""How detectors are judged: COCO's average precision, of boxes found exactly as a device finds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.detections import detect
from tformer_edge.frame import Frame
from tformer_edge.output_json import DetectionRule, Output
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks.detection import levels_of
from tformer_keras.tasks.detection_evaluation import DetectionEvaluation, evaluate_boxes

# As MMDetection evaluates: low, because precision is averaged over all recalls.
EVALUATED = DetectionRule(score_threshold=0.05, iou_threshold=0.5, per_level=1000, max_boxes=100)


class DetectionJudge:
    """Collects what a detector finds, and what there was to find; see `tasks.task.Judge`.

    Args:
        class_names: in the order of the labels.
        outputs: of the model.
        size: (height, width) of its input.

    Attributes:
        found: (n, 7) float64: image, label, score, left, top, right, bottom in the picture's pixels.
        things: (m, 8) float64: image, label, crowd, area, left, top, right, bottom.
        sizes: (images, 2): height and width of each picture.
    """

    def __init__(self, class_names: Sequence[str], outputs: Sequence[Output], size: tuple[int, int]) -> None:
        self.class_names, self.outputs, self.size = tuple(class_names), tuple(outputs), size
        self.found, self.things, self.sizes = np.zeros((0, 7)), np.zeros((0, 8)), np.zeros((0, 2))

    def add(
        self, outputs: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], weights: NDArray[Any]
    ) -> None:
        """A batch: real-valued maps, the truth of `Detection.judging`, weights (b,)."""
        maps = [np.asarray(one) for one in outputs]
        infos = [TensorInfo(one.shape[1:], one.dtype.name) for one in maps]
        boxes, labels, crowd, areas, frames = truth
        found, things = [self.found], [self.things]
        counted = np.flatnonzero(np.asarray(weights) > 0)
        for image, row in enumerate(counted.tolist(), len(self.sizes)):
            frame = Frame.of(frames[row], self.size)
            answer = detect(
                levels_of([one[row] for one in maps], infos, self.outputs),
                self.size,
                **dataclasses.asdict(EVALUATED),
            )
            columns = (np.full(len(answer), image), answer.labels, answer.scores)
            found.append(np.column_stack([*columns, frame.to_picture(answer.boxes)]))
            there = labels[row] >= 0
            number = np.full(int(there.sum()), image)
            columns = (number, labels[row][there], crowd[row][there], areas[row][there])  # type: ignore[assignment]
            things.append(np.column_stack([*columns, boxes[row][there]]))
        self.found, self.things = np.concatenate(found), np.concatenate(things)
        self.sizes = np.concatenate([self.sizes, np.asarray(frames)[counted, :2]])

    def state(self) -> dict[str, NDArray[Any]]:
        """All that was collected."""
        return {"found": self.found, "things": self.things, "sizes": self.sizes}

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Adds another judge's images behind this one's."""
        for name in ("found", "things"):
            rows = state[name].copy()
            rows[:, 0] += len(self.sizes)
            setattr(self, name, np.concatenate([getattr(self, name), rows]))
        self.sizes = np.concatenate([self.sizes, state["sizes"]])

    def result(self) -> DetectionEvaluation:
        """The evaluation of all images so far."""
        return evaluate_boxes(self.class_names, self.found, self.things, self.sizes)

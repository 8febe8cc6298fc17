"""Detection, the server half: anchors are assigned to boxes, focal and box loss, average precision."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.output_json import Output
from tformer_keras.models.output_maps import marked_layer, outputs_of
from tformer_keras.tasks.annotations import BoxAnnotation
from tformer_keras.tasks.assignment import anchor_grid, assign, corners
from tformer_keras.tasks.detection_judge import DetectionJudge
from tformer_keras.tasks.detection_loss import box_loss, flat, focal_loss, positives

# Of a box that the input shows less of, training is told nothing.
LEAST_SEEN = 0.3
# In the input's pixels: what is narrower after cropping is left out.
LEAST_SIDE = 1.0
# Of a teacher: where its score is higher, its boxes are taken for right.
TEACHER_SCORE = 0.3


@dataclasses.dataclass(frozen=True)
class Detection:
    """See `Task`. Outputs: logits and deltas of each level by turns, of `OutputMap` layers.

    Truth for the loss: labels (anchors,), a class, −1 background, −2 ignored; deltas (anchors, 4). For the judge, where
    `most` is set: boxes (most, 4) in the picture's pixels; labels (most,), −1 where there is none; crowd (most,); areas
    (most,); and the frame: (height, width, top, left, tall, wide), of the picture and of the box that the input shows.

    Attributes:
        outputs: of the model; none before `of`.
        size: (height, width) of its input.
        most: boxes of an image at most, for the judge; None for the loss.
    """

    outputs: tuple[Output, ...] = ()
    size: tuple[int, int] = (0, 0)
    most: int | None = None

    name = "detection"
    mixes = False
    measures: Mapping[str, tuple[str, str]] = dataclasses.field(
        default_factory=lambda: {"anchors": ("anchors right", "%")}, init=False, compare=False
    )

    def of(self, model: keras.Model, split: Any = None, recipe: Any = None) -> Detection:
        """Bound to the model's levels."""
        height, width = model.inputs[0].shape[1:3]
        return self.of_outputs(outputs_of(model), (height or 0, width or 0))

    def of_outputs(self, outputs: Sequence[Output], size: tuple[int, int]) -> Detection:
        """Bound to the levels that a contract says."""
        return dataclasses.replace(self, outputs=tuple(outputs), size=size)

    def judging(self, split: Any) -> Detection:
        """Truth for the judge: as many boxes as the fullest image of the split has."""
        most = max((len(split.annotation(index).labels) for index in range(len(split))), default=0)
        return dataclasses.replace(self, most=max(most, 1))

    def truth_shapes(self, size: tuple[int, int], classes: int) -> tuple[tuple[tuple[int, ...], str], ...]:
        """See the class."""
        if self.most is not None:
            most = self.most
            shapes = (((most, 4), "float64"), ((most,), "int32"), ((most,), "bool"), ((most,), "float64"))
            return (*shapes, ((6,), "float64"))
        count = len(anchor_grid([one.level for one in self.outputs[::2]], size))
        return (((count,), "int32"), ((count, 4), "float32"))

    def encode(
        self,
        annotations: Sequence[BoxAnnotation],
        placements: Sequence[Any],
        size: tuple[int, int],
        classes: int,
    ) -> tuple[NDArray[Any], ...]:
        """See the class; boxes of which the input shows less than 30 % are left out of what is taught."""
        if self.most is not None:
            return self._encode_for_judge(annotations, placements, self.most)
        anchors = anchor_grid([one.level for one in self.outputs[::2]], size)
        sides = corners(anchors)
        taught = []
        for annotation, placement in zip(annotations, placements, strict=True):
            labels = annotation.labels
            if len(labels) and labels.max() >= classes:
                raise UserError(
                    f"labels below {classes} (the classes)", str(labels.max()), "give the model's own classes"
                )
            boxes = placement.move_boxes(annotation.boxes, size).clip(0.0, [size[1], size[0]] * 2)
            seen = placement.visible_share(annotation.boxes, size) >= LEAST_SEEN
            seen &= ((boxes[:, 2:] - boxes[:, :2]) >= LEAST_SIDE).all(axis=1)
            taught.append(assign(anchors, sides, boxes[seen], labels[seen], annotation.crowd[seen]))
        return tuple(np.stack(parts) for parts in zip(*taught, strict=True))

    def _encode_for_judge(
        self, annotations: Sequence[BoxAnnotation], placements: Sequence[Any], most: int
    ) -> tuple[NDArray[Any], ...]:
        count = len(annotations)
        boxes, labels = np.zeros((count, most, 4)), np.full((count, most), -1, np.int32)
        crowd, areas = np.zeros((count, most), bool), np.zeros((count, most))
        frames = np.zeros((count, 6))
        for row, (annotation, placement) in enumerate(zip(annotations, placements, strict=True)):
            things = len(annotation.labels)
            boxes[row, :things], labels[row, :things] = annotation.boxes, annotation.labels
            crowd[row, :things], areas[row, :things] = annotation.crowd, annotation.areas
            frames[row] = (*annotation.size, *placement.box)
        return boxes, labels, crowd, areas, frames

    def check(self, model: keras.Model, classes: int) -> None:
        """Raises UserError unless the model's outputs are those of a detector of so many classes."""
        outputs = outputs_of(model)
        kinds = [one.kind for one in outputs]
        if not outputs or kinds != ["logits", "deltas"] * (len(kinds) // 2):
            raise UserError(
                "a detector: of each level an output of logits and one of deltas, from OutputMap layers",
                ", ".join(kinds) or "outputs that say nothing",
                "give a model of tformer_keras.RetinaNet",
                where=model.name,
            )
        found = model.outputs[0].shape[-1] // len(outputs[0].anchors)
        if found != classes:
            raise UserError(
                f"logits of {classes} classes",
                str(found),
                "give a model, or labels, that fit",
                where=model.name,
            )

    def head_layers(self, model: keras.Model) -> list[keras.layers.Layer]:
        """The convolution that gives the logits of all levels."""
        return [marked_layer(model)]

    def meaning(self, model: keras.Model) -> str:
        """ "logits", always."""
        return "logits"

    def loss(self, truth: Sequence[Any], outputs: Sequence[Any], weights: Any, recipe: Any) -> Any:
        """(Focal + `recipe.box_weight` · box loss) of the batch over its anchors that have a class, at least 1."""
        labels, targets = truth
        logits, deltas = flat(outputs, self._classes(outputs))
        costs = ops.sum(focal_loss(labels, logits), axis=(1, 2))
        costs += recipe.box_weight * ops.sum(box_loss(labels, targets, deltas), axis=1)
        if weights is not None:
            costs *= ops.cast(weights, "float32")
        return ops.sum(costs) / positives(labels)

    def distill(
        self, teacher: Sequence[Any], teacher_means: str, outputs: Sequence[Any], recipe: Any, kind: str
    ) -> Any:
        """Soft: cross-entropy with the teacher's scores less their own entropy, and the boxes' absolute error where a
        score exceeds 0.3, both over the number of such scores. Hard: the same with scores of 0 or 1, cut at 0.3."""
        classes = self._classes(outputs)
        given, boxes = flat(teacher, classes)
        logits, deltas = flat(outputs, classes)
        scores = ops.sigmoid(given)
        sure = ops.cast(ops.greater(scores, TEACHER_SCORE), "float32")
        count = ops.maximum(ops.sum(sure), 1.0)
        target = sure if kind == "hard" else scores
        cost = target * ops.softplus(-logits) + (1.0 - target) * ops.softplus(logits)
        if kind != "hard":
            cost -= target * ops.softplus(-given) + (1.0 - target) * ops.softplus(given)
        anywhere = ops.max(sure, axis=-1)
        off = ops.sum(ops.abs(deltas - boxes), axis=-1) * anywhere
        return (ops.sum(cost) + recipe.box_weight * ops.sum(off)) / count

    def measure(self, truth: Sequence[Any], outputs: Sequence[Any]) -> dict[str, Any]:
        """Of each image's anchors with a class, the share whose highest logit is of it; 1 where there are none."""
        labels = truth[0]
        logits, _ = flat(outputs, self._classes(outputs))
        there = ops.cast(ops.greater_equal(labels, 0), "float32")
        right = ops.cast(ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), labels), "float32")
        count = ops.sum(there, axis=1)
        share = ops.sum(right * there, axis=1) / ops.maximum(count, 1.0)
        return {"anchors": ops.where(count > 0, share, 1.0)}

    def judge(
        self, class_names: Sequence[str], meaning: str, step: float = 0.0, certainty: bool = False
    ) -> DetectionJudge:
        """See `DetectionJudge`."""
        return DetectionJudge(class_names, self.outputs, self.size)

    def _classes(self, outputs: Sequence[Any]) -> int:
        # Both outputs of a level have the same cells and anchors.
        return 4 * int(outputs[0].shape[-1]) // int(outputs[1].shape[-1])


DETECTION = Detection()

"""Segmentation, the server half: cross-entropy of each pixel, mean intersection over union."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.output_json import Output
from tformer_keras.models.output_maps import marked_layer, outputs_of
from tformer_keras.tasks.annotations import UNLABELLED, MaskAnnotation
from tformer_keras.tasks.segmentation_judge import SegmentationJudge

# Images, evenly spaced, of which the classes' shares are counted.
COUNTED = 1000
# ENet's (arXiv:1606.02147): weights 1 / ln(c + share).
SHARE_OFFSET = 1.1


@dataclasses.dataclass(frozen=True)
class Segmentation:
    """See `Task`. Output: one map of class logits, (b, h, w, classes).

    Truth for the loss: the mask as the input shows it, int32 (height, width), −1 unlabelled. For the judge, where
    `canvas` is set: the picture's own mask in the corner of an int32 (canvas), and (height, width, top, left, tall,
    wide), of the picture and of the box that the input shows.

    Attributes:
        outputs: of the model; none before `of`.
        size: (height, width) of its input.
        weights: of each class in the loss; None: all alike.
        canvas: (height, width) that holds every mask, for the judge; None for the loss.
    """

    outputs: tuple[Output, ...] = ()
    size: tuple[int, int] = (0, 0)
    weights: tuple[float, ...] | None = None
    canvas: tuple[int, int] | None = None

    name = "segmentation"
    mixes = False
    measures: Mapping[str, tuple[str, str]] = dataclasses.field(
        default_factory=lambda: {"pixels": ("pixels right", "%")}, init=False, compare=False
    )

    def of(self, model: keras.Model, split: Any = None, recipe: Any = None) -> Segmentation:
        """Bound to the model's map and, where `recipe.class_weights` asks for it, to the training split's classes."""
        height, width = model.inputs[0].shape[1:3]
        weights = None
        if split is not None and recipe is not None and recipe.class_weights == "log":
            weights = class_weights(split, int(model.outputs[0].shape[-1]))
        bound = self.of_outputs(outputs_of(model), (height or 0, width or 0))
        return dataclasses.replace(bound, weights=weights)

    def of_outputs(self, outputs: Sequence[Output], size: tuple[int, int]) -> Segmentation:
        """Bound to the map that a contract says."""
        return dataclasses.replace(self, outputs=tuple(outputs), size=size)

    def judging(self, split: Any) -> Segmentation:
        """Truth for the judge: masks as large as the split's largest."""
        sizes = [split.annotation(index).size for index in range(len(split))]
        canvas = max(size[0] for size in sizes), max(size[1] for size in sizes)
        return dataclasses.replace(self, canvas=canvas)

    def truth_shapes(self, size: tuple[int, int], classes: int) -> tuple[tuple[tuple[int, ...], str], ...]:
        """See the class."""
        return ((size, "int32"),) if self.canvas is None else ((self.canvas, "int32"), ((6,), "float64"))

    def encode(
        self,
        annotations: Sequence[MaskAnnotation],
        placements: Sequence[Any],
        size: tuple[int, int],
        classes: int,
    ) -> tuple[NDArray[Any], ...]:
        """See the class."""
        masks, frames = [], np.zeros((len(annotations), 6))
        for row, (annotation, placement) in enumerate(zip(annotations, placements, strict=True)):
            mask = annotation.read()
            if mask.max() >= classes:
                raise UserError(f"classes below {classes}", str(mask.max()), "give the model's own classes")
            if self.canvas is None:
                masks.append(placement.move_mask(mask, size))
                continue
            whole = np.full(self.canvas, UNLABELLED, np.int32)
            whole[: mask.shape[0], : mask.shape[1]] = mask
            masks.append(whole)
            frames[row] = (*annotation.size, *placement.box)
        return (np.stack(masks),) if self.canvas is None else (np.stack(masks), frames)

    def check(self, model: keras.Model, classes: int) -> None:
        """Raises UserError unless the model's output is a segmenter's of so many classes."""
        kinds = [one.kind for one in outputs_of(model)]
        if kinds != ["class_logits"]:
            raise UserError(
                "a segmenter: one output of class logits, from an OutputMap layer",
                ", ".join(kinds) or "outputs that say nothing",
                "give a model of tformer_keras.SemanticFPN",
                where=model.name,
            )
        if model.outputs[0].shape[-1] != classes:
            raise UserError(
                f"logits of {classes} classes",
                str(model.outputs[0].shape[-1]),
                "give a model, or labels, that fit",
                where=model.name,
            )

    def head_layers(self, model: keras.Model) -> list[keras.layers.Layer]:
        """The convolution that gives the logits."""
        return [marked_layer(model)]

    def meaning(self, model: keras.Model) -> str:
        """ "logits", always."""
        return "logits"

    def loss(self, truth: Sequence[Any], outputs: Sequence[Any], weights: Any, recipe: Any) -> Any:
        """Softmax cross-entropy in nats of the logits, enlarged bilinearly to the mask: the mean over labelled pixels.

        With class weights each pixel counts as much as its class, and the sum of what counts divides.
        """
        (mask,) = truth
        logits = ops.image.resize(
            ops.cast(outputs[0], "float32"),
            tuple(int(side) for side in mask.shape[1:3]),
            interpolation="bilinear",
            data_format="channels_last",
        )
        labelled = ops.greater_equal(mask, 0)
        label = ops.where(labelled, mask, 0)
        cost = ops.sparse_categorical_crossentropy(label, logits, from_logits=True)
        counted = ops.cast(labelled, "float32")
        if self.weights is not None:
            counted *= ops.take(ops.convert_to_tensor(np.array(self.weights, np.float32)), label)
        if weights is not None:
            counted *= ops.reshape(ops.cast(weights, "float32"), (-1, 1, 1))
        return ops.sum(cost * counted) / ops.maximum(ops.sum(counted), 1.0)

    def distill(
        self, teacher: Sequence[Any], teacher_means: str, outputs: Sequence[Any], recipe: Any, kind: str
    ) -> Any:
        """Soft: T²·KL(teacher ‖ student) of each cell, T the temperature; hard: cross-entropy with its class."""
        given, logits = ops.cast(teacher[0], "float32"), ops.cast(outputs[0], "float32")
        if kind == "hard":
            decision = ops.argmax(given, axis=-1)
            return ops.mean(ops.sparse_categorical_crossentropy(decision, logits, from_logits=True))
        temperature = recipe.distillation_temperature
        target = ops.log_softmax(given / temperature, axis=-1)
        answer = ops.log_softmax(logits / temperature, axis=-1)
        return temperature**2 * ops.mean(ops.sum(ops.exp(target) * (target - answer), axis=-1))

    def measure(self, truth: Sequence[Any], outputs: Sequence[Any]) -> dict[str, Any]:
        """Of each image's cells, the share whose highest logit is the class of the mask's pixel at their centre."""
        mask, logits = truth[0], outputs[0]
        stride = self.outputs[0].stride if self.outputs else 4
        rows, columns = int(logits.shape[1]), int(logits.shape[2])
        near = [
            np.minimum(np.arange(count) * stride + stride // 2, side - 1)
            for count, side in ((rows, int(mask.shape[1])), (columns, int(mask.shape[2])))
        ]
        label = ops.take(ops.take(mask, near[0], axis=1), near[1], axis=2)
        labelled = ops.cast(ops.greater_equal(label, 0), "float32")
        right = ops.cast(ops.equal(ops.cast(ops.argmax(logits, axis=-1), "int32"), label), "float32")
        count = ops.sum(labelled, axis=(1, 2))
        return {"pixels": ops.sum(right * labelled, axis=(1, 2)) / ops.maximum(count, 1.0)}

    def judge(
        self, class_names: Sequence[str], meaning: str, step: float = 0.0, certainty: bool = False
    ) -> SegmentationJudge:
        """See `SegmentationJudge`."""
        return SegmentationJudge(class_names, self.size)


def class_weights(split: Any, classes: int) -> tuple[float, ...]:
    """1 / ln(1.1 + share) of each class: of the labelled pixels of up to 1,000 images, evenly spaced."""
    total = np.zeros(classes, np.int64)
    count = min(len(split), COUNTED)
    for number in range(count):
        mask = split.annotation(number * len(split) // count).read()
        total += np.bincount(mask[mask >= 0], minlength=classes)[:classes]
    shares = total / max(1, total.sum())
    return tuple(1 / math.log(SHARE_OFFSET + share) for share in shares.tolist())


SEGMENTATION = Segmentation()

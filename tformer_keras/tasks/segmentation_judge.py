"""How segmenters are judged: intersection over union of each class, at the picture's own resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.class_maps import class_map
from tformer_edge.frame import Frame
from tformer_keras.tasks.annotations import UNLABELLED
from tformer_keras.tasks.classification_pictures import draw_confusion
from tformer_keras.tasks.segmentation_sheet import AnsweredImage, draw_worst
from tformer_keras.tasks.sheet import SHOWN, Evaluated
from tformer_keras.tasks.task import Figure

TABLE_ROWS = 50


@dataclass(frozen=True)
class SegmentationEvaluation:
    """Result of an evaluation.

    Attributes:
        class_names: in the order of the logits.
        images: that were evaluated.
        confusion: int64 (classes, classes) of labelled pixels that the input shows, row true, column answered.
        worst: up to `SHOWN` images, the worst first; those without a labelled pixel are none.
    """

    class_names: tuple[str, ...]
    images: int
    confusion: NDArray[np.int64]
    worst: tuple[AnsweredImage, ...] = ()

    @property
    def ious(self) -> NDArray[np.float64]:
        """(classes,): pixels of a class in truth and answer over those in either; NaN where there are none."""
        return _ious(self.confusion)

    @property
    def headline(self) -> Figure:
        """mIoU."""
        return self.figures["miou"]

    @property
    def figures(self) -> dict[str, Figure]:
        """miou, the mean of the classes that are there; pixel_accuracy."""
        known = self.ious[~np.isnan(self.ious)]
        total = max(1, int(self.confusion.sum()))
        return {
            "miou": Figure("mIoU", float(known.mean()) if known.size else 0.0, "%"),
            "pixel_accuracy": Figure("pixel accuracy", float(np.trace(self.confusion) / total), "%"),
        }

    def per_class(self) -> list[dict[str, Any]]:
        """For each class: name, pixels, iou and accuracy (recall), 0..1, None where nothing counts."""
        rows = []
        for index, name in enumerate(self.class_names):
            pixels = int(self.confusion[index].sum())
            right, iou = int(self.confusion[index, index]), float(self.ious[index])
            rows.append(
                {
                    "class": name,
                    "pixels": pixels,
                    "iou": None if np.isnan(iou) else iou,
                    "accuracy": right / pixels if pixels else None,
                }
            )
        return rows

    @property
    def certainty(self) -> None:
        """Nothing: each pixel has a class."""

    def to_json(self) -> dict[str, Any]:
        """Plain data with all figures."""
        return {
            "images": self.images,
            **{name: figure.value for name, figure in self.figures.items()},
            "per_class": self.per_class(),
            "confusion": self.confusion.tolist(),
        }

    def table(self) -> str:
        """A line a class (the worst `TABLE_ROWS` when there are more), then the totals."""
        rows = self.per_class()
        shown = rows
        if len(rows) > TABLE_ROWS:
            shown = sorted(rows, key=lambda row: (row["iou"] is None, row["iou"]))[:TABLE_ROWS]
        width, total = max(len("class"), *(len(row["class"]) for row in shown)), max(1, self.confusion.sum())
        lines = [f"{'class':<{width}}  pixels %     IoU  accuracy"]
        lines += [
            f"{row['class']:<{width}}  {100 * row['pixels'] / total:8.2f}  {_percent(row['iou'])}  "
            f"  {_percent(row['accuracy'])}"
            for row in shown
        ]
        if len(rows) > TABLE_ROWS:
            lines.append(f"(the {TABLE_ROWS} worst of {len(rows)} classes)")
        lines.append(", ".join(str(figure) for figure in self.figures.values()) + f", {self.images} images")
        return "\n".join(lines)

    def pictures(self, images: Evaluated | None = None) -> dict[str, bytes]:
        """The confusion matrix of pixels, and the worst images."""
        title = f"pixels, {self.headline} of {self.images} images"
        drawn = {"confusion.png": draw_confusion(self.confusion, self.class_names, title)}
        if images is not None and self.worst:
            drawn["worst.png"] = draw_worst(self.worst, images, self.class_names)
        return drawn


class SegmentationJudge:
    """Adds up a segmenter's answers, enlarged as a device enlarges them; see `tasks.task.Judge`.

    Args:
        class_names: in the order of the logits.
        size: (height, width) of the model's input.
    """

    def __init__(self, class_names: Sequence[str], size: tuple[int, int]) -> None:
        self.class_names, self.size = tuple(class_names), size
        self.confusion = np.zeros((len(self.class_names),) * 2, np.int64)
        self.images = np.zeros(1, np.int64)
        self.worst: list[AnsweredImage] = []
        self.canvas = (0, 0)  # of the truth's masks

    def add(
        self, outputs: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], weights: NDArray[Any]
    ) -> None:
        """Outputs: [(b, h, w, classes)]; the truth of `Segmentation.judging`; weights (b,)."""
        classes = len(self.class_names)
        masks, frames = truth
        self.canvas = masks.shape[1:]
        for row in np.flatnonzero(np.asarray(weights) > 0).tolist():
            frame = Frame.of(frames[row], self.size)
            logits = np.asarray(outputs[0][row])
            top, left, tall, wide = frame.seen()
            self.images += 1
            if not tall or not wide:
                continue
            answer = class_map(logits, (tall, wide), frame.window(logits.shape[:2]))
            mask = masks[row][top : top + tall, left : left + wide]
            known = mask >= 0
            pairs = mask[known].astype(np.int64) * classes + answer[known]
            counts = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
            self.confusion += counts
            if len(pairs):
                self._keep(float(np.nanmean(_ious(counts))), answer, (top, left))

    def state(self) -> dict[str, NDArray[Any]]:
        """The counts, and the worst images."""
        return {
            "confusion": self.confusion,
            "images": self.images,
            "qualities": np.array([one.quality for one in self.worst], np.float64),
            "numbers": np.array([one.number for one in self.worst], np.int64),
            "answers": np.array([one.classes for one in self.worst], np.int32).reshape(
                len(self.worst), *self.canvas
            ),
        }

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Adds another judge's, its images behind this one's."""
        numbers = (state["numbers"] + self.images).tolist()
        found = zip(state["qualities"].tolist(), numbers, state["answers"], strict=True)
        self.worst = _worst([*self.worst, *(AnsweredImage(*parts) for parts in found)])
        self.canvas = state["answers"].shape[1:]
        self.confusion = self.confusion + state["confusion"]
        self.images = self.images + state["images"]

    def result(self) -> SegmentationEvaluation:
        """The evaluation of all images so far."""
        return SegmentationEvaluation(
            self.class_names, int(self.images[0]), self.confusion, tuple(self.worst)
        )

    def _keep(self, quality: float, answer: NDArray[Any], corner: tuple[int, int]) -> None:
        """Keeps the newest image's answer, seen from `corner` on, if it is among the worst."""
        if len(self.worst) == SHOWN and quality >= self.worst[-1].quality:
            return
        whole = np.full(self.canvas, UNLABELLED, np.int32)
        (top, left), (height, width) = corner, answer.shape
        whole[top : top + height, left : left + width] = answer
        self.worst = _worst([*self.worst, AnsweredImage(quality, int(self.images[0]) - 1, whole)])


def _ious(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    both = np.diag(confusion).astype(np.float64)
    either = confusion.sum(axis=0) + confusion.sum(axis=1) - both
    return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)


def _worst(images: list[AnsweredImage]) -> list[AnsweredImage]:
    return sorted(images, key=lambda one: (one.quality, one.number))[:SHOWN]


def _percent(share: float | None) -> str:
    return "     –" if share is None else f"{100 * share:6.2f}"

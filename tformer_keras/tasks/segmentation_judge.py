"""How segmenters are judged: intersection over union of each class, at the picture's own resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.class_maps import class_map
from tformer_edge.frame import Frame
from tformer_keras.tasks.classification_pictures import draw_confusion
from tformer_keras.tasks.task import Figure

TABLE_ROWS = 50


@dataclass(frozen=True)
class SegmentationEvaluation:
    """Result of an evaluation.

    Attributes:
        class_names: in the order of the logits.
        images: that were evaluated.
        confusion: int64 (classes, classes) of labelled pixels that the input shows, row true, column answered.
    """

    class_names: tuple[str, ...]
    images: int
    confusion: NDArray[np.int64]

    @property
    def ious(self) -> NDArray[np.float64]:
        """(classes,): pixels of a class in truth and answer over those in either; NaN where there are none."""
        both = np.diag(self.confusion).astype(np.float64)
        either = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - both
        return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)

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

    def pictures(self) -> dict[str, bytes]:
        """The confusion matrix of pixels."""
        title = f"pixels, {self.headline} of {self.images} images"
        return {"confusion.png": draw_confusion(self.confusion, self.class_names, title)}


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

    def add(
        self, outputs: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], weights: NDArray[Any]
    ) -> None:
        """Outputs: [(b, h, w, classes)]; the truth of `Segmentation.judging`; weights (b,)."""
        classes = len(self.class_names)
        masks, frames = truth
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
            self.confusion += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    def state(self) -> dict[str, NDArray[Any]]:
        """The counts."""
        return {"confusion": self.confusion, "images": self.images}

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Adds another judge's."""
        self.confusion = self.confusion + state["confusion"]
        self.images = self.images + state["images"]

    def result(self) -> SegmentationEvaluation:
        """The evaluation of all images so far."""
        return SegmentationEvaluation(self.class_names, int(self.images[0]), self.confusion)


def _percent(share: float | None) -> str:
    return "     –" if share is None else f"{100 * share:6.2f}"

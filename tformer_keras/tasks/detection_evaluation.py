"""COCO's figures of a detector, by faster-coco-eval, and how they are shown."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_keras.tasks.classification_pictures import draw_confusion
from tformer_keras.tasks.detection_pictures import draw_precision
from tformer_keras.tasks.detection_sheet import draw_worst, match, overlaps
from tformer_keras.tasks.sheet import Evaluated
from tformer_keras.tasks.task import Figure

TABLE_ROWS = 50
# Of the confusion matrix: what is shown to people, and what counts as the same thing.
SHOWN_SCORE, SAME = 0.3, 0.5
# COCO's stats in their order; all are shares 0 to 1, −1 where nothing counts.
NAMES = {
    "ap": "AP",
    "ap50": "AP50",
    "ap75": "AP75",
    "ap_small": "AP small",
    "ap_medium": "AP medium",
    "ap_large": "AP large",
}
RECALL_100 = 8


@dataclass(frozen=True)
class DetectionEvaluation:
    """Result of an evaluation.

    Attributes:
        class_names: in the order of the labels.
        images: that were evaluated.
        things: (classes,) things of each class in them, crowds left out.
        stats: a share for each of `NAMES`, NaN where nothing counts, and "ar100", the mean recall at 100 boxes.
        per_class: (classes, 2): AP and AP50, NaN of a class without things.
        precision: (101, classes): at an overlap of 0.5, at recalls of 0 to 1.
        confusion: int64 (classes + 1, classes + 1), row true, column found, the last of both the background: things and
            boxes of a score of 0.3, paired by the highest overlap of 0.5 or more.
        boxes: (n, 7), and
        truth: (m, 8), what `DetectionJudge` has collected.
    """

    class_names: tuple[str, ...]
    images: int
    things: NDArray[np.int64]
    stats: dict[str, float]
    per_class: NDArray[np.float64]
    precision: NDArray[np.float64]
    confusion: NDArray[np.int64]
    boxes: NDArray[np.float64]
    truth: NDArray[np.float64]

    @property
    def headline(self) -> Figure:
        """AP, the mean over overlaps of 0.5 to 0.95."""
        return self.figures["ap"]

    @property
    def figures(self) -> dict[str, Figure]:
        """COCO's; 0 where nothing counts."""
        names = NAMES | {"ar100": "AR100"}
        return {key: Figure(name, float(np.nan_to_num(self.stats[key])), "%") for key, name in names.items()}

    @property
    def certainty(self) -> None:
        """Nothing: the score threshold is the user's to choose."""

    def to_json(self) -> dict[str, Any]:
        """Plain data with all figures; null where nothing counts."""
        return {
            "images": self.images,
            **{name: _known(value) for name, value in self.stats.items()},
            "per_class": [
                {"class": name, "things": int(count), "ap": _known(ap), "ap50": _known(ap50)}
                for name, count, (ap, ap50) in zip(
                    self.class_names, self.things, self.per_class.tolist(), strict=True
                )
            ],
            "confusion": self.confusion.tolist(),
        }

    def table(self) -> str:
        """A line a class (the worst `TABLE_ROWS` when there are more), then the totals."""
        rows = list(zip(self.class_names, self.things.tolist(), self.per_class.tolist(), strict=True))
        shown = rows
        if len(rows) > TABLE_ROWS:
            shown = sorted(rows, key=lambda row: (np.isnan(row[2][0]), row[2][0]))[:TABLE_ROWS]
        width = max(len("class"), *(len(name) for name, _, _ in shown))
        lines = [f"{'class':<{width}}  things      AP    AP50"]
        lines += [
            f"{name:<{width}}  {count:6d}  {_share(ap)}  {_share(ap50)}" for name, count, (ap, ap50) in shown
        ]
        if len(rows) > TABLE_ROWS:
            lines.append(f"(the {TABLE_ROWS} worst of {len(rows)} classes)")
        lines.append(", ".join(str(figure) for figure in self.figures.values()) + f", {self.images} images")
        return "\n".join(lines)

    def pictures(self, images: Evaluated | None = None) -> dict[str, bytes]:
        """Precision over recall, the confusion matrix with the background, and the worst images."""
        names = (*self.class_names, "background")
        title = f"boxes of a score of {SHOWN_SCORE}, {self.headline} of {self.images} images"
        drawn = {
            "precision_recall.png": draw_precision(self.precision, self.per_class[:, 1], self.class_names),
            "confusion.png": draw_confusion(self.confusion, names, title),
        }
        if images is not None and self.images:
            matched = match(self.boxes, self.truth, self.images, SHOWN_SCORE, SAME)
            drawn["worst.png"] = draw_worst(matched, images, self.class_names, SHOWN_SCORE, SAME)
        return drawn


def evaluate_boxes(
    class_names: tuple[str, ...],
    found: NDArray[np.float64],
    things: NDArray[np.float64],
    sizes: NDArray[np.float64],
) -> DetectionEvaluation:
    """COCO's figures.

    Args:
        class_names: in the order of the labels.
        found, things, sizes: as `DetectionJudge` collects them.
    """
    classes = len(class_names)
    real = things[things[:, 2] == 0]
    counts = np.bincount(real[:, 1].astype(np.int64), minlength=classes)
    precision, stats = _coco(classes, found, things, sizes)
    # (overlaps, recalls, classes): −1 where a class has no things.
    known = np.where(precision < 0, np.nan, precision)
    present = np.flatnonzero(counts > 0)
    per_class = np.full((classes, 2), np.nan)
    per_class[present] = np.column_stack([known.mean(axis=(0, 1))[present], known[0].mean(axis=0)[present]])
    return DetectionEvaluation(
        class_names,
        len(sizes),
        counts,
        stats,
        per_class,
        known[0],
        confusion(classes, found, real, len(sizes)),
        found,
        things,
    )


def _coco(
    classes: int, found: NDArray[np.float64], things: NDArray[np.float64], sizes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """((overlaps, 101, classes) precisions, stats) by faster-coco-eval."""
    from faster_coco_eval import COCO, COCOeval_faster

    stats = dict.fromkeys((*NAMES, "ar100"), np.nan)
    if not len(found) or not len(things):
        empty = np.where(np.bincount(things[:, 1].astype(int), minlength=classes) > 0, 0.0, -1.0)
        known = dict.fromkeys(("ap", "ap50", "ap75", "ar100"), 0.0) if len(things) else {}
        return np.broadcast_to(empty, (10, 101, classes)).copy(), stats | known

    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [
            {"id": number, "height": int(height), "width": int(width)}
            for number, (height, width) in enumerate(sizes.tolist(), 1)
        ],
        "categories": [{"id": number + 1, "name": str(number)} for number in range(classes)],
        "annotations": [
            {
                "id": number,
                "image_id": int(image) + 1,
                "category_id": int(label) + 1,
                "iscrowd": int(crowd),
                "area": area,
                "bbox": [left, top, right - left, bottom - top],
            }
            for number, (image, label, crowd, area, left, top, right, bottom) in enumerate(things.tolist(), 1)
        ],
    }
    # It prints its progress.
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        answers = truth.loadRes(
            [
                {
                    "image_id": int(image) + 1,
                    "category_id": int(label) + 1,
                    "score": score,
                    "bbox": [left, top, right - left, bottom - top],
                }
                for image, label, score, left, top, right, bottom in found.tolist()
            ]
        )
        evaluation = COCOeval_faster(truth, answers, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    values = [float(value) if value >= 0 else np.nan for value in evaluation.stats]
    stats = dict(zip(NAMES, values, strict=False)) | {"ar100": values[RECALL_100]}
    # (overlaps, recalls, classes, areas, limits): all areas, 100 boxes.
    return np.asarray(evaluation.eval["precision"])[:, :, :, 0, -1], stats


def confusion(
    classes: int, found: NDArray[np.float64], things: NDArray[np.float64], images: int
) -> NDArray[np.int64]:
    """See `DetectionEvaluation.confusion`; whatever its class, a box goes to the free thing that it overlaps most."""
    result = np.zeros((classes + 1, classes + 1), np.int64)
    found = found[found[:, 2] > SHOWN_SCORE]
    for image in range(images):
        boxes, truth = found[found[:, 0] == image], things[things[:, 0] == image]
        free = np.ones(len(truth), bool)
        for box in boxes[np.argsort(-boxes[:, 2], kind="stable")]:
            row = classes
            if len(truth):
                overlap = np.where(free, overlaps(box[3:], truth[:, 4:])[1], 0.0)
                if overlap.max() >= SAME:
                    place = int(overlap.argmax())
                    row, free[place] = int(truth[place, 1]), False
            result[row, int(box[1])] += 1
        np.add.at(result, (truth[free, 1].astype(np.int64), classes), 1)
    return result


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _share(value: float) -> str:
    return "     –" if np.isnan(value) else f"{100 * value:6.2f}"

"""How classifiers are judged: top-1, top-5, cross-entropy, and the confusion matrix with the figures of each class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_keras.tasks.certainty import MeasuredCertainty, measure_certainty
from tformer_keras.tasks.classification_pictures import draw_confusion
from tformer_keras.tasks.sheet import Evaluated
from tformer_keras.tasks.task import Figure

TABLE_ROWS = 50


@dataclass(frozen=True)
class ClassificationEvaluation:
    """Result of an evaluation.

    Attributes:
        class_names: names in the order of the outputs.
        confusion: int64 (classes, classes), row true, column predicted.
        cross_entropy: mean over images, nats, without label smoothing.
        top5: share 0..1; of all classes where they are fewer.
        certainty: what the answers are worth, where the judge measured it.
    """

    class_names: tuple[str, ...]
    confusion: NDArray[np.int64]
    cross_entropy: float
    top5: float
    certainty: MeasuredCertainty | None = None

    @property
    def images(self) -> int:
        """Images that were evaluated."""
        return int(self.confusion.sum())

    @property
    def top1(self) -> float:
        """Share 0..1 of images whose highest score is the true class."""
        return float(np.trace(self.confusion) / max(1, self.images))

    @property
    def headline(self) -> Figure:
        """Top-1."""
        return self.figures["top1"]

    @property
    def figures(self) -> dict[str, Figure]:
        """cross_entropy, top1, top5."""
        return {
            "cross_entropy": Figure("cross-entropy", self.cross_entropy, "nats"),
            "top1": Figure("top-1", self.top1, "%"),
            "top5": Figure("top-5", self.top5, "%"),
        }

    def per_class(self) -> list[dict[str, Any]]:
        """For each class: name, images, recall (its accuracy) and precision, 0..1, None where nothing counts."""
        rows = []
        for index, name in enumerate(self.class_names):
            correct = int(self.confusion[index, index])
            true, guessed = int(self.confusion[index].sum()), int(self.confusion[:, index].sum())
            rows.append(
                {
                    "class": name,
                    "images": true,
                    "accuracy": correct / true if true else None,
                    "precision": correct / guessed if guessed else None,
                }
            )
        return rows

    def to_json(self) -> dict[str, Any]:
        """Plain data with all figures."""
        return {
            "images": self.images,
            "top1": self.top1,
            "top5": self.top5,
            "cross_entropy": self.cross_entropy,
            "per_class": self.per_class(),
            "confusion": self.confusion.tolist(),
        }

    def table(self) -> str:
        """A line a class (the worst `TABLE_ROWS` when there are more), then the totals."""
        rows = self.per_class()
        shown = rows
        if len(rows) > TABLE_ROWS:
            shown = sorted(rows, key=lambda row: (row["accuracy"] is None, row["accuracy"]))[:TABLE_ROWS]
        width = max(len("class"), *(len(row["class"]) for row in shown))
        lines = [f"{'class':<{width}}  images  accuracy  precision"]
        for row in shown:
            lines.append(
                f"{row['class']:<{width}}  {row['images']:6d}  {_percent(row['accuracy'])}  "
                f" {_percent(row['precision'])}"
            )
        if len(rows) > TABLE_ROWS:
            lines.append(f"(the {TABLE_ROWS} least accurate of {len(rows)} classes)")
        figures = self.figures
        lines.append(
            f"{figures['top1']}, {figures['top5']}, {figures['cross_entropy']}, {self.images} images"
        )
        return "\n".join(lines)

    def pictures(self, images: Evaluated | None = None) -> dict[str, bytes]:
        """The confusion matrix; no images."""
        title = f"{self.headline} of {self.images}"
        return {"confusion.png": draw_confusion(self.confusion, self.class_names, title)}


class ClassificationJudge:
    """Adds up a classifier's answers; see `tasks.task.Judge`. Equal scores rank by lower index.

    Args:
        class_names: names in the order of the outputs.
        meaning: "logits" or "probabilities".
        least: what a probability of 0 counts as.
    """

    def __init__(self, class_names: Sequence[str], meaning: str, least: float) -> None:
        self.class_names, self.meaning, self.least = tuple(class_names), meaning, least
        classes = len(self.class_names)
        self.confusion = np.zeros((classes, classes), np.int64)
        self.sums = np.zeros(
            2, np.float64
        )  # of the cross-entropy, and of images whose class is among the first five

    def add(
        self, outputs: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], weights: NDArray[Any]
    ) -> None:
        """Outputs: [(b, classes)]; truth: [(b, classes)], one-hot; weights (b,), 0 for padding."""
        counted = np.asarray(weights) > 0
        logits = self.logits(outputs, counted)
        true = np.asarray(truth[0])[counted].argmax(axis=-1)
        logits = logits - logits.max(axis=-1, keepdims=True)
        rows = np.arange(len(true))
        order = np.argsort(-logits, axis=-1, kind="stable")
        np.add.at(self.confusion, (true, order[:, 0]), 1)
        self.sums += (
            float(np.sum(np.log(np.exp(logits).sum(axis=-1)) - logits[rows, true])),
            float(np.sum(order[:, :5] == true[:, np.newaxis])),
        )

    def logits(self, outputs: Sequence[NDArray[Any]], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Logits (n, classes) of the images that count; of probabilities their logarithms."""
        scores = np.asarray(outputs[0], np.float64)[counted]
        return np.log(np.maximum(scores, self.least)) if self.meaning == "probabilities" else scores

    def state(self) -> dict[str, NDArray[Any]]:
        """The counts and the sums."""
        return {"confusion": self.confusion, "sums": self.sums}

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Adds another judge's."""
        self.confusion = self.confusion + state["confusion"]
        self.sums = self.sums + state["sums"]

    def result(self) -> ClassificationEvaluation:
        """The evaluation of all images so far."""
        cross_entropy, found = self.sums / max(1, int(self.confusion.sum()))
        return ClassificationEvaluation(self.class_names, self.confusion, float(cross_entropy), float(found))


class CertaintyJudge(ClassificationJudge):
    """A judge of classifiers that also keeps the scores, float64 (n, classes), of which a certainty is measured."""

    def __init__(self, class_names: Sequence[str], meaning: str, least: float) -> None:
        super().__init__(class_names, meaning, least)
        self._logits: list[NDArray[np.float64]] = []
        self._labels: list[NDArray[np.int64]] = []

    def add(
        self, outputs: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], weights: NDArray[Any]
    ) -> None:
        """As `ClassificationJudge.add`."""
        super().add(outputs, truth, weights)
        counted = np.asarray(weights) > 0
        self._logits.append(self.logits(outputs, counted))
        self._labels.append(np.asarray(truth[0])[counted].argmax(axis=-1))

    def state(self) -> dict[str, NDArray[Any]]:
        """The counts, the sums and the scores."""
        return super().state() | {
            "logits": np.concatenate(self._logits),
            "labels": np.concatenate(self._labels),
        }

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Adds another judge's."""
        super().merge(state)
        self._logits.append(state["logits"])
        self._labels.append(state["labels"])

    def result(self) -> ClassificationEvaluation:
        """The evaluation of all images so far, with `measure_certainty` of them."""
        found = super().result()
        if not self._logits:
            return found
        logits, labels = np.concatenate(self._logits), np.concatenate(self._labels)
        return replace(found, certainty=measure_certainty(logits, labels, self.meaning))


def _percent(share: float | None) -> str:
    return "      –" if share is None else f"{100 * share:6.2f} %"

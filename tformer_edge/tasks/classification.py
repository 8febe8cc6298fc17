"""Classification, the device half: one score a label, ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tformer_edge.certainty import Certainty
from tformer_edge.frame import Frame
from tformer_edge.output_json import Output
from tformer_edge.printable import printable
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks.classification_options import ClassificationOptions
from tformer_edge.tasks.task import Meaning

# Of a drawn answer: the height of a line as a share of the picture's, and its least in pixels.
LINE_SHARE, LEAST_LINE = 1 / 16, 11
NOT_SURE = "not sure: "


@dataclass(frozen=True)
class Ranked:
    """One label among the first ones.

    Attributes:
        index: of the label in `labels.txt`, from 0.
        label: its text.
        score: dequantized by the file's own scale: a logit or a probability, as the contract says.
        probability: 0 to 1: the softmax of logits / temperature, or the score itself. For display; its last bits
            may vary.
    """

    index: int
    label: str
    score: float
    probability: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """A classifier's answer.

    Attributes:
        top: the first labels, the best first; equal ones by lower index (docs/contract.md).
        scores: all scores, float64 of shape (labels,), read-only.
        quantized: the output tensor's own values, shape (labels,), read-only: what two machines compare.
        sure: whether the best probability is as high as the contract asks of an answer; True where it asks nothing.
    """

    top: tuple[Ranked, ...]
    scores: NDArray[np.float64]
    quantized: NDArray[Any]
    sure: bool = True

    @property
    def label(self) -> str:
        """The best label."""
        return self.top[0].label

    @property
    def probability(self) -> float:
        """The best label's probability, 0 to 1."""
        return self.top[0].probability

    def line(self) -> str:
        """The first labels with their probabilities."""
        return NOT_SURE * (not self.sure) + "   ".join(map(_shown, self.top))

    def draw(self, image: Image.Image) -> Image.Image:
        """A copy of the picture, RGB, with the first labels in its corner: white, with a dark edge."""
        shown = image.convert("RGB")
        height = max(LEAST_LINE, round(shown.height * LINE_SHARE))
        pen, font = ImageDraw.Draw(shown), ImageFont.load_default(height * 0.8)
        for number, text in enumerate([*[NOT_SURE.rstrip(": ")] * (not self.sure), *map(_shown, self.top)]):
            place = (height // 4, height // 4 + number * height)
            pen.text(place, text, "white", font, stroke_width=max(1, height // 12), stroke_fill="black")
        return shown

    def to_json(self) -> dict[str, Any]:
        """The first labels as JSON types."""
        return {
            "label": self.label,
            "sure": self.sure,
            "top": [
                {"index": one.index, "label": one.label, "score": one.score, "probability": one.probability}
                for one in self.top
            ],
        }


def _shown(one: Ranked) -> str:
    return f"{printable(one.label)} {100 * one.probability:.1f} %"


def rank(
    values: NDArray[Any],
    scores: NDArray[np.float64],
    labels: Sequence[str],
    meaning: str,
    top: int,
    certainty: Certainty | None = None,
) -> Prediction:
    """The prediction of one image.

    Args:
        values: the output tensor's values, shape (labels,); they alone decide the order.
        scores: the same in real numbers, float64.
        labels: one a value.
        meaning: "logits" or "probabilities".
        top: labels in `Prediction.top`, at most all.
        certainty: as the contract has it.
    """
    # Stable, so that equal values stand by lower index. Widened, because -(-128) is no int8.
    order = np.argsort(-values.astype(np.float64), kind="stable")[:top]
    certainty = certainty or Certainty()
    probabilities = softmax(scores / certainty.temperature) if meaning == "logits" else scores
    first = tuple(
        Ranked(int(index), labels[index], float(scores[index]), float(probabilities[index]))
        for index in order
    )
    values, scores = values.copy(), scores.copy()
    values.setflags(write=False)
    scores.setflags(write=False)
    return Prediction(first, scores, values, first[0].probability >= certainty.not_sure_below)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(scores) / sum(exp(scores)) for float64 of shape (labels,), without overflow."""
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


class Classification:
    """See `tasks.task.Task`. One output, (batch, labels), of logits or probabilities."""

    name = "classification"
    default_options = ClassificationOptions()

    def output_shapes(
        self, batch: int, labels: int, size: tuple[int, int], outputs: Sequence[Output]
    ) -> list[tuple[int, ...]]:
        """One score a label."""
        return [(batch, labels)]

    def answer(
        self,
        values: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
        frame: Frame,
        options: ClassificationOptions,
    ) -> Prediction:
        """The labels, the best first."""
        (own,), (info,) = values, infos
        scores = info.dequantize(own)
        return rank(own, scores, meaning.labels, meaning.meaning, options.top, meaning.certainty)

    def agreement(
        self,
        one: Sequence[NDArray[Any]],
        other: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
    ) -> NDArray[np.float64]:
        """1 where the best label is the same, else 0."""
        return (one[0].argmax(axis=-1) == other[0].argmax(axis=-1)).astype(np.float64)

    def golden_answer(
        self,
        values: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
        size: tuple[int, int],
    ) -> None:
        """Nothing: the order of the scores says it."""


TASK = Classification()

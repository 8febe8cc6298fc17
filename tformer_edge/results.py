"""What a model says about one image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.model_json import Meaning


@dataclass(frozen=True)
class Ranked:
    """One label among the first ones.

    Attributes:
        index: of the label in `labels.txt`, from 0.
        label: its text.
        score: dequantized by the file's own scale: a logit or a probability, as the contract says.
        probability: 0 to 1: the softmax of logits, or the score itself. For display; its last bits may vary.
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
    """

    top: tuple[Ranked, ...]
    scores: NDArray[np.float64]
    quantized: NDArray[Any]

    @property
    def label(self) -> str:
        """The best label."""
        return self.top[0].label

    @property
    def probability(self) -> float:
        """The best label's probability, 0 to 1."""
        return self.top[0].probability

    def to_json(self) -> dict[str, Any]:
        """The first labels as JSON types."""
        return {
            "label": self.label,
            "top": [
                {"index": one.index, "label": one.label, "score": one.score, "probability": one.probability}
                for one in self.top
            ],
        }


def rank(
    values: NDArray[Any], scores: NDArray[np.float64], labels: Sequence[str], meaning: Meaning, top: int
) -> Prediction:
    """The prediction of one image.

    Args:
        values: the output tensor's values, shape (labels,); they alone decide the order.
        scores: the same in real numbers, float64.
        labels: one a value.
        meaning: "logits" or "probabilities".
        top: labels in `Prediction.top`, at most all.
    """
    # Stable, so that equal values stand by lower index. Widened, because -(-128) is no int8.
    order = np.argsort(-values.astype(np.float64), kind="stable")[:top]
    probabilities = softmax(scores) if meaning == "logits" else scores
    first = tuple(
        Ranked(int(index), labels[index], float(scores[index]), float(probabilities[index]))
        for index in order
    )
    values, scores = values.copy(), scores.copy()
    values.setflags(write=False)
    scores.setflags(write=False)
    return Prediction(first, scores, values)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp(scores) / sum(exp(scores)) for float64 of shape (labels,), without overflow."""
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()

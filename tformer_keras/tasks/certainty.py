"""What a classifier's scores are worth, from its answers to labelled images: `certainty` of the contract."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from tformer_edge.certainty import GREATEST_TEMPERATURE, LEAST_TEMPERATURE, Certainty

# Not stated by the paper, which does not calibrate: our choices.
TARGET = 0.95
LEAST_IMAGES = 100
DIGITS = 4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MeasuredCertainty:
    """A certainty, and what it was on the images that it was measured with.

    Attributes:
        certainty: for the contract.
        images: how many.
        cross_entropy, calibrated: in nats, at temperature 1 and at the one found.
        answered: share of the images, 0 to 1, whose answer is one; `right`: share of these that are right.
    """

    certainty: Certainty
    images: int
    cross_entropy: float
    calibrated: float
    answered: float
    right: float

    def to_json(self) -> dict[str, float]:
        """Plain data with everything but the number of images."""
        return self.certainty.to_json() | {
            "cross_entropy": self.cross_entropy,
            "calibrated_cross_entropy": self.calibrated,
            "answered": self.answered,
            "right": self.right,
        }

    def line(self) -> str:
        """For people."""
        found = self.certainty
        return (
            f"below {100 * found.not_sure_below:.1f} % (temperature {found.temperature:g}) an answer is none: "
            f"{100 * self.answered:.1f} % of the test images are answered, {100 * self.right:.1f} % of them right"
        )


def measure_certainty(logits: Array, labels: NDArray[np.int64], meaning: str) -> MeasuredCertainty | None:
    """The temperature of least cross-entropy, and the least probability from which on `TARGET` of answers are right.

    Args:
        logits: (n, classes); of a model of probabilities their logarithms.
        labels: (n,), the true class of each.
        meaning: of the model's scores; of "probabilities" the temperature is 1.

    Returns:
        None for fewer than `LEAST_IMAGES` images, from which nothing follows.
    """
    if len(labels) < LEAST_IMAGES:
        return None
    # Rounded before the threshold is sought, so that both hold together.
    temperature = 1.0 if meaning == "probabilities" else round(_temperature(logits, labels), DIGITS)
    shares = np.exp(log_softmax(logits / temperature, axis=-1))
    best, right = shares.max(axis=-1), shares.argmax(axis=-1) == labels
    least = _short(_threshold(best, right), best)
    answered = best >= least
    return MeasuredCertainty(
        Certainty(temperature, least),
        len(labels),
        _cross_entropy(logits, labels, 1.0),
        _cross_entropy(logits, labels, temperature),
        float(answered.mean()),
        float(right[answered].mean()) if answered.any() else 0.0,
    )


def _cross_entropy(logits: Array, labels: NDArray[np.int64], temperature: float) -> float:
    return float(-log_softmax(logits / temperature, axis=-1)[np.arange(len(labels)), labels].mean())


def _temperature(logits: Array, labels: NDArray[np.int64]) -> float:
    """The cross-entropy is convex in 1 / temperature, and so has one minimum over its logarithm."""
    bounds = math.log(LEAST_TEMPERATURE), math.log(GREATEST_TEMPERATURE)
    found = minimize_scalar(
        lambda logarithm: _cross_entropy(logits, labels, math.exp(logarithm)), bounds=bounds, method="bounded"
    )
    return math.exp(found.x)


def _short(exact: float, best: Array) -> float:
    """The number of fewest digits, from four on, at most `exact`, that lets no more images through."""
    for digits in range(DIGITS, 16):
        shorter = math.floor(exact * 10**digits) / 10**digits
        if (best >= shorter).sum() == (best >= exact).sum():
            return shorter
    return exact


def _threshold(best: Array, right: NDArray[np.bool_]) -> float:
    """Of the best probability of each image and whether it is right; 1 where no threshold is enough."""
    order = np.argsort(-best, kind="stable")
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Equal probabilities are answers or not together.
    last = np.append(np.diff(best[order]) < 0, True)
    good = np.flatnonzero((shares >= TARGET) & last)
    return float(best[order][good[-1]]) if good.size else 1.0

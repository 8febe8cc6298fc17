"""Focal loss and box loss of a detector (RetinaNet, arXiv:1708.02002, equation 5), by keras.ops for both Kerases."""

from collections.abc import Sequence
from typing import Any

from keras import ops

ALPHA, GAMMA = 0.25, 2.0


def flat(outputs: Sequence[Any], classes: int) -> tuple[Any, Any]:
    """The maps of all levels, logits and deltas by turns, as (b, anchors, classes) and (b, anchors, 4)."""
    batch = ops.shape(outputs[0])[0]
    logits = [ops.reshape(ops.cast(one, "float32"), (batch, -1, classes)) for one in outputs[::2]]
    deltas = [ops.reshape(ops.cast(one, "float32"), (batch, -1, 4)) for one in outputs[1::2]]
    return ops.concatenate(logits, axis=1), ops.concatenate(deltas, axis=1)


def focal_loss(labels: Any, logits: Any) -> Any:
    """−α (1 − p)^γ log p of each anchor and class, p being the score of what is right; 1 − α for what is not there.

    Args:
        labels: integers (b, anchors): a class, −1 for the background, −2 for ignored, which costs nothing.
        logits: (b, anchors, classes).

    Returns:
        (b, anchors, classes).
    """
    classes = int(logits.shape[-1])
    there = ops.cast(ops.equal(ops.expand_dims(labels, -1), ops.arange(classes, dtype="int32")), "float32")
    # log p = -softplus(-z) where the class is there, -softplus(z) where it is not.
    signed = logits * (1.0 - 2.0 * there)
    cost = ops.softplus(signed)
    wrong = ops.sigmoid(signed)
    weight = ops.where(there > 0, ALPHA, 1.0 - ALPHA)
    counted = ops.cast(ops.greater(ops.expand_dims(labels, -1), -2), "float32")
    return counted * weight * wrong**GAMMA * cost


def box_loss(labels: Any, targets: Any, deltas: Any) -> Any:
    """The absolute error (MMDetection's L1) of the four deltas of each anchor with a class, (b, anchors)."""
    positive = ops.cast(ops.greater_equal(labels, 0), "float32")
    return positive * ops.sum(ops.abs(deltas - ops.cast(targets, "float32")), axis=-1)


def positives(labels: Any) -> Any:
    """How many anchors of the batch have a class, at least 1: what both losses are divided by."""
    return ops.maximum(ops.sum(ops.cast(ops.greater_equal(labels, 0), "float32")), 1.0)

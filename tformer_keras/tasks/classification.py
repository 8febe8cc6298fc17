"""Classification: the loss on logits, top-1, top-5, per-class figures, the confusion matrix, named predictions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops


def classification_loss(label_smoothing: float = 0.0, library: Any = keras) -> Any:
    """Cross-entropy of one-hot (or mixed) labels (b, classes) and logits (b, classes), in nats.

    Args:
        label_smoothing: 0..1, share of each label that is spread evenly over all classes.
        library: `keras` or `tf_keras`: whose loss it is to be.
    """
    return library.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=label_smoothing)


def training_metrics(library: Any = keras) -> list[Any]:
    """Top-1 during training; of mixed labels the larger share counts. The loss is tracked by `fit` itself."""
    return [library.metrics.CategoricalAccuracy(name="top1")]


def evaluation_metrics(classes: int) -> list[keras.metrics.Metric]:
    """Weighted metrics of an evaluation; padded images weigh 0 and count nowhere.

    Returns:
        "cross_entropy" (nats, without label smoothing), "top5" (share 0..1; of all classes where they are fewer), and
        "confusion" (see `ConfusionMatrix`), from which top-1 follows.
    """
    return [
        keras.metrics.CategoricalCrossentropy(name="cross_entropy", from_logits=True),
        keras.metrics.TopKCategoricalAccuracy(k=min(5, classes), name="top5"),
        ConfusionMatrix(classes, name="confusion"),
    ]


@keras.saving.register_keras_serializable(package="tformer_keras")
class ConfusionMatrix(keras.metrics.Metric):
    """Counts of (true class, predicted class), summed in the graph, so that it works distributed as well.

    `result()` is the share of correct images (top-1); `counts()` the matrix. Equal scores go to the lower index.

    Args:
        classes: number of classes, ≥ 1.
        name: metric name.
    """

    def __init__(self, classes: int, name: str = "confusion", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.classes = classes
        # float32 counts are exact up to 16,777,216 images in one cell.
        self.matrix = self.add_variable(
            (classes, classes), initializer="zeros", dtype="float32", name="matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch: labels and scores (b, classes), weights (b,) or None."""
        truth = ops.one_hot(ops.argmax(y_true, axis=-1), self.classes, dtype="float32")
        guess = ops.one_hot(ops.argmax(y_pred, axis=-1), self.classes, dtype="float32")
        if sample_weight is not None:
            truth = truth * ops.cast(ops.reshape(sample_weight, (-1, 1)), "float32")
        self.matrix.assign_add(ops.matmul(ops.transpose(truth), guess))

    def result(self) -> Any:
        """Share of images on the diagonal, 0..1; 0 without images."""
        total = ops.sum(self.matrix)
        return ops.sum(ops.diagonal(self.matrix)) / ops.maximum(total, 1.0)

    def counts(self) -> np.ndarray:
        """int64 (classes, classes): row is the true class, column the predicted one."""
        return np.rint(ops.convert_to_numpy(self.matrix.value)).astype(np.int64)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "classes": self.classes}


@dataclass(frozen=True)
class Evaluation:
    """Result of an evaluation.

    Attributes:
        class_names: names in the order of the outputs.
        confusion: int64 (classes, classes), row true, column predicted.
        cross_entropy: mean over images, nats.
        top5: share 0..1.
    """

    class_names: tuple[str, ...]
    confusion: np.ndarray
    cross_entropy: float
    top5: float

    @property
    def images(self) -> int:
        """Images that were evaluated."""
        return int(self.confusion.sum())

    @property
    def top1(self) -> float:
        """Share 0..1 of images whose highest score is the true class."""
        return float(np.trace(self.confusion) / max(1, self.images))

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


def make_evaluator(model: keras.Model, classes: int, jit_compile: bool | str) -> keras.Model:
    """A model that shares `model`'s layers and is compiled for `evaluate`."""
    outputs = model.outputs[0]
    if not gives_logits(model):
        outputs = ops.log(ops.maximum(outputs, 1e-30))
    evaluator = keras.Model(model.inputs, outputs, name="evaluator")
    # `compile` wants a loss; the figure that counts is the metric, because the loss divides by padded images too.
    evaluator.compile(
        loss=classification_loss(), weighted_metrics=evaluation_metrics(classes), jit_compile=jit_compile
    )
    return evaluator


def evaluate(evaluator: keras.Model, batches: Any, steps: int, class_names: Sequence[str]) -> Evaluation:
    """Evaluates a compiled `make_evaluator` model on `steps` batches of (images, one-hot labels, weights)."""
    logs = evaluator.evaluate(batches, steps=steps, verbose=0, return_dict=True)
    matrix = next(m for m in _flat_metrics(evaluator) if isinstance(m, ConfusionMatrix))
    return Evaluation(tuple(class_names), matrix.counts(), float(logs["cross_entropy"]), float(logs["top5"]))


def evaluate_scores(
    scores: Callable[[np.ndarray], np.ndarray], batches: Iterable[Any], class_names: Sequence[str]
) -> Evaluation:
    """Evaluates whatever gives scores, in NumPy: a model of another framework, a converted one.

    Args:
        scores: images (b, h, w, 3) → logits (b, classes), or logarithms of probabilities. Equal ones rank by lower
            index.
        batches: (images, one-hot labels (b, classes), weights (b,)), weight 0 for padding.
        class_names: names in the order of the scores.
    """
    classes = len(class_names)
    confusion = np.zeros((classes, classes), np.int64)
    cross_entropy, found, images = 0.0, 0, 0
    for batch in batches:
        pixels, labels, weights = (np.asarray(part) for part in batch)
        counted = weights > 0
        logits = np.asarray(scores(pixels), np.float64)[counted]
        truth = labels[counted].argmax(axis=-1)
        logits -= logits.max(axis=-1, keepdims=True)
        rows = np.arange(len(truth))
        cross_entropy += float(np.sum(np.log(np.exp(logits).sum(axis=-1)) - logits[rows, truth]))
        order = np.argsort(-logits, axis=-1, kind="stable")
        np.add.at(confusion, (truth, order[:, 0]), 1)
        found += int(np.sum(order[:, :5] == truth[:, np.newaxis]))
        images += len(truth)
    total = max(1, images)
    return Evaluation(tuple(class_names), confusion, cross_entropy / total, found / total)


def _flat_metrics(model: keras.Model) -> list[keras.metrics.Metric]:
    flat: list[keras.metrics.Metric] = []
    for metric in model.metrics:
        flat.extend(getattr(metric, "metrics", []) or [metric])
    return flat


def gives_logits(model: keras.Model) -> bool:
    """Whether the model's output is logits; False where its last layer applies a softmax."""
    activation = getattr(model.layers[-1], "activation", None)
    return not (isinstance(model.layers[-1], keras.layers.Softmax) or activation is keras.activations.softmax)


def probabilities(model: keras.Model, outputs: np.ndarray) -> np.ndarray:
    """Outputs (b, classes) as probabilities, float64."""
    scores = np.asarray(outputs, np.float64)
    if not gives_logits(model):
        return scores
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def best_classes(row: np.ndarray, class_names: Sequence[str], top: int) -> list[tuple[str, float]]:
    """The `top` (class name, probability) of one image, best first; equal scores rank by lower index."""
    order = np.argsort(-row, kind="stable")[:top]
    return [(class_names[int(index)], float(row[index])) for index in order]

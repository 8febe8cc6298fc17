"""Classification, the server half: one-hot truth, cross-entropy on logits, distillation, top-1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.output_json import Output
from tformer_keras.tasks.classification_judge import CertaintyJudge, ClassificationJudge

# What a probability of 0 counts as where its logarithm is needed: far below what float32 softmax gives.
LEAST = 1e-30


def logits_of(outputs: Any, meaning: str, least: float = LEAST) -> Any:
    """Logits (b, classes) from outputs that mean "logits" or "probabilities"; the softmax of both is the same.

    Args:
        outputs: a tensor of either Keras, or an array.
        meaning: of the outputs.
        least: what a probability of 0 counts as.
    """
    return outputs if meaning == "logits" else ops.log(ops.maximum(outputs, least))


class Classification:
    """See `Task`. Outputs: one tensor of logits or probabilities (b, classes). Truth: one array (b, classes)."""

    name = "classification"
    mixes = True
    measures: Mapping[str, tuple[str, str]] = {"top1": ("top-1", "%")}

    def of(self, model: Any, split: Any = None, recipe: Any = None) -> Classification:
        """Itself: the outputs fix nothing."""
        return self

    def of_outputs(self, outputs: Sequence[Output], size: tuple[int, int]) -> Classification:
        """Itself."""
        return self

    def judging(self, split: Any) -> Classification:
        """Itself: the judge needs what the loss needs."""
        return self

    def truth_shapes(self, size: tuple[int, int], classes: int) -> tuple[tuple[tuple[int, ...], str], ...]:
        """One row of shares an image."""
        return (((classes,), "float32"),)

    def encode(
        self, annotations: Sequence[int], placements: Sequence[Any], size: tuple[int, int], classes: int
    ) -> tuple[NDArray[np.float32]]:
        """One-hot rows, float32 (b, classes), of class numbers; where the pixels went does not matter."""
        labels = np.asarray(annotations, np.int64)
        if labels.min() < 0 or labels.max() >= classes:
            raise UserError(
                f"labels below {classes} (the classes)", str(labels.max()), "give the model's own classes"
            )
        truth = np.zeros((len(labels), classes), np.float32)
        truth[np.arange(len(labels)), labels] = 1
        return (truth,)

    def check(self, model: keras.Model, classes: int) -> None:
        """Raises UserError unless the model has one output (b, classes)."""
        shapes = [tuple(output.shape[1:]) for output in model.outputs]
        if shapes != [(classes,)]:
            named = ", ".join(
                f"{name} {shape}" for name, shape in zip(model.output_names, shapes, strict=True)
            )
            raise UserError(
                f"one output of {classes} scores, one a class",
                f"one of shape {shapes[0]}"
                if len(shapes) == 1
                else f"{len(shapes)} outputs of shape {named}",
                "give a model, or labels, that fit",
                where=model.name,
            )

    def head_layers(self, model: keras.Model) -> list[keras.layers.Layer]:
        """The last layer with weights."""
        return [next(layer for layer in reversed(model.layers) if layer.weights)]

    def meaning(self, model: keras.Model) -> str:
        """ "probabilities" where the layer that gives the output applies a softmax, else "logits"."""
        layer = model.outputs[0]._keras_history.operation
        softmax = isinstance(layer, keras.layers.Softmax) or (
            getattr(layer, "activation", None) is keras.activations.softmax
        )
        return "probabilities" if softmax else "logits"

    def loss(self, truth: Sequence[Any], outputs: Sequence[Any], weights: Any, recipe: Any) -> Any:
        """Cross-entropy of shares and logits, (b, classes) both, in nats.

        Label smoothing spreads its share of each label evenly over all classes.
        """
        (labels,), (logits,) = truth, outputs
        labels, logits = ops.cast(labels, "float32"), ops.cast(logits, "float32")
        if recipe.label_smoothing:
            classes = ops.cast(ops.shape(labels)[-1], "float32")
            labels = labels * (1.0 - recipe.label_smoothing) + recipe.label_smoothing / classes
        values = ops.categorical_crossentropy(labels, logits, from_logits=True)
        return ops.mean(values if weights is None else values * ops.cast(weights, "float32"))

    def distill(
        self, teacher: Sequence[Any], teacher_means: str, outputs: Sequence[Any], recipe: Any, kind: str
    ) -> Any:
        """Soft: T²·KL(teacher ‖ student) at temperature T (Hinton et al., 2015). Hard: cross-entropy with the teacher's
        decision (Touvron et al., ICML 2021, equation 3; DeiT gives that term an output of its own, the distillation
        token, here both terms share one). In nats, of logits (b, classes)."""
        given = ops.cast(logits_of(teacher[0], teacher_means), "float32")
        logits = ops.cast(outputs[0], "float32")
        if kind == "hard":
            decision = ops.argmax(given, axis=-1)
            return ops.mean(ops.sparse_categorical_crossentropy(decision, logits, from_logits=True))
        temperature = recipe.distillation_temperature
        target = ops.softmax(given / temperature, axis=-1)
        answer = ops.log_softmax(logits / temperature, axis=-1)
        divergence = ops.sum(target * (ops.log(ops.maximum(target, LEAST)) - answer), axis=-1)
        return temperature**2 * ops.mean(divergence)

    def measure(self, truth: Sequence[Any], outputs: Sequence[Any]) -> dict[str, Any]:
        """1 for each image whose largest logit is that of its class, else 0; of mixed labels the larger counts."""
        right = ops.equal(ops.argmax(truth[0], axis=-1), ops.argmax(outputs[0], axis=-1))
        return {"top1": ops.cast(right, "float32")}

    def judge(
        self, class_names: Sequence[str], meaning: str, step: float = 0.0, certainty: bool = False
    ) -> ClassificationJudge:
        """See `ClassificationJudge` and `CertaintyJudge`."""
        kind = CertaintyJudge if certainty else ClassificationJudge
        return kind(class_names, meaning, step / 2 if step else LEAST)


CLASSIFICATION = Classification()

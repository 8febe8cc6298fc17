"""What a quantized model answers, as fake quantization computes it: for its training and its evaluation."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tformer_edge.errors import UserError
from tformer_keras.data.loader import Loader, naming_file
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.tasks.task import Evaluation, Run, Task, evaluate

# The step of int8 probabilities (TFLite quantization specification: a softmax has the scale 1/256).
PROBABILITY_STEP = 1 / 256


def logits_network(quantized: QuantizedModel, meaning: str) -> Any:
    """The quantized model without a softmax at its end: int8 probabilities below 1/512 are 0 and give no gradient."""
    if meaning == "logits":
        return quantized.model
    if len(quantized.model.outputs) != 1:
        raise UserError(
            "a model of logits, or of one output of probabilities",
            "several outputs",
            "leave their softmax out",
        )
    layer = quantized.model.outputs[0]._keras_history.layer
    while getattr(layer, "function", None) != "softmax":
        layer = layer.input._keras_history.layer
    (logits,) = tf.nest.flatten(layer.input)
    return tf_keras.Model(quantized.model.inputs, logits, name="logits")


def quantized_forward(quantized: QuantizedModel) -> Run:
    """Images (b, h, w, 3) → outputs (b, …) of the quantized model as it is then."""

    @tf.function(reduce_retracing=True)
    def compute(images: tf.Tensor) -> Any:
        return tf.nest.flatten(quantized.model(images, training=False))

    return lambda images: [np.asarray(part) for part in compute(tf.constant(images))]


def together(runs: Sequence[Run]) -> Run:
    """One after the other of the same images, all outputs in that order."""
    return lambda images: [output for run in runs for output in run(images)]


def evaluate_quantized(
    quantized: QuantizedModel, loader: Loader, task: Task, class_names: tuple[str, ...]
) -> Evaluation:
    """Evaluates a quantized model, as fake quantization computes it, on a loader's images."""
    judge = task.judge(class_names, task.meaning(quantized.source), PROBABILITY_STEP)
    with naming_file(loader):
        return evaluate(quantized_forward(quantized), loader.stream(epochs=1), judge)

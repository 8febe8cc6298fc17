"""What a quantized classifier answers, as fake quantization computes it: for its training and its evaluation."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.tasks.classification import Evaluation, evaluate_scores, gives_logits

# Half a step of int8 probabilities: what a 0 among them may have been.
LEAST_PROBABILITY = 1 / 512


def logits_network(quantized: QuantizedModel) -> Any:
    """The quantized model without a softmax at its end: int8 probabilities below 1/512 are 0 and give no gradient."""
    tensor = quantized.model.outputs[0]
    if gives_logits(quantized.source):
        return quantized.model
    layer = tensor._keras_history.layer
    while getattr(layer, "function", None) != "softmax":
        layer = layer.input._keras_history.layer
    (logits,) = tf.nest.flatten(layer.input)
    return tf_keras.Model(quantized.model.inputs, logits, name="logits")


def scores_of(quantized: QuantizedModel) -> Callable[[np.ndarray], np.ndarray]:
    """Images (b, h, w, 3) → logits (b, classes) of the quantized model, or logarithms of its probabilities."""
    logits = gives_logits(quantized.source)

    @tf.function(reduce_retracing=True)
    def compute(images: tf.Tensor) -> tf.Tensor:
        outputs = quantized.model(images, training=False)
        return outputs if logits else tf.math.log(tf.maximum(outputs, LEAST_PROBABILITY))

    return lambda images: np.asarray(compute(tf.constant(images)))


def evaluate_quantized(quantized: QuantizedModel, batches: Any, class_names: tuple[str, ...]) -> Evaluation:
    """Evaluates a quantized model, as fake quantization computes it, on batches of a loader's stream."""
    return evaluate_scores(scores_of(quantized), batches, class_names)

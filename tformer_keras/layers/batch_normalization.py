"""Batch normalization that trains with TensorFlow's fused operation where TensorFlow is the backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("tformer_keras")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, the same in everything but the time of a training step.

    Keras computes the statistics, the scaling and their gradients with a dozen operations, each a pass over memory. On
    the TensorFlow backend this class takes TensorFlow's fused operation in training. Everything else (inference,
    other backends, masks, renormalisation, synchronised replicas, other axes than the last of four, float64) is
    Keras' own. Arguments, weights, and the values to the rounding of float32, are Keras'.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        fits = len(inputs.shape) == 4 and self.axis in (-1, 3) and mask is None
        plain = not (self.renorm or self.synchronized) and self.compute_dtype != "float64"
        if training and self.trainable and fits and plain and keras.backend.backend() == "tensorflow":
            return self._train_fused(inputs)
        return super().call(inputs, training=training, mask=mask)

    def _train_fused(self, inputs: Any) -> Any:
        import tensorflow as tf

        # float32 inside, as Keras does it. Not tf.nn.fused_batch_norm, which raises an epsilon below 1.001e-5.
        values = ops.cast(inputs, "float32")
        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=values,
            scale=ops.cast(self.gamma, "float32") if self.scale else ops.ones(channels),
            offset=ops.cast(self.beta, "float32") if self.center else ops.zeros(channels),
            mean=ops.zeros(0),
            variance=ops.zeros(0),
            epsilon=self.epsilon,
            is_training=True,
        )
        # The operation returns the sum of squares over n - 1; Keras' moving variance is of the sum over n.
        count = ops.cast(tf.size(values) // channels, "float32")
        variance = variance * ((count - 1) / count)
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1 - keep))
        return ops.cast(outputs, self.compute_dtype)

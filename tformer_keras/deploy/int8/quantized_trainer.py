"""The model that tf-keras' `fit` trains: a quantized network with its loss, and a float teacher if there is one."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tf_keras

from tformer_keras.deploy.int8.tf_keras_framework import named
from tformer_keras.tasks.classification import classification_loss, training_metrics
from tformer_keras.training.recipe import Recipe


class QuantizedTrainer(tf_keras.Model):
    """Trains a classifier on labels, or on (1 - w)·labels + w·T²·KL(teacher ‖ student) at temperature T.

    Hinton et al., 2015, as `training/distillation.py` has it for Keras 3; w and T are the recipe's. With the float
    model itself as teacher a quantized one learns what it should round to, whatever the labels say.

    Args:
        network: a tf_keras model of images (b, h, w, 3) → logits (b, classes), fake quantization inside.
        variables: its variables to train.
        recipe: gives label smoothing, w and T.
        teacher: a function of normalised images → logits (b, classes), called in the graph, or None.
    """

    def __init__(
        self,
        network: tf_keras.Model,
        variables: Sequence[tf.Variable],
        recipe: Recipe,
        teacher: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ) -> None:
        super().__init__(name="trainer")
        self.network = network
        self.share = recipe.distillation_weight
        self.temperature = recipe.distillation_temperature
        # In functions, or tf-keras would count what they hold among its own.
        self.variables_to_train = lambda: variables
        self.teacher = teacher
        self.label_loss = classification_loss(recipe.label_smoothing, tf_keras)
        self.divergence = tf_keras.losses.KLDivergence()
        self.trackers = [tf_keras.metrics.Mean(name="loss"), *training_metrics(tf_keras)]

    @property
    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """Reset by `fit` at the beginning of each epoch."""
        return list(self.trackers)

    @property
    def metrics_variables(self) -> list[Any]:
        """The metrics' state, for checkpoints."""
        return named(variable for metric in self.trackers for variable in metric.variables)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Logits (b, classes)."""
        return self.network(inputs, training=training)

    def loss_of(
        self, images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor, logits: tf.Tensor
    ) -> tf.Tensor:
        """The batch's mean loss, nats."""
        loss = self.label_loss(labels, logits, weights)
        if self.teacher is None:
            return loss
        target = tf.stop_gradient(tf.nn.softmax(self.teacher(images) / self.temperature))
        divergence = self.divergence(target, tf.nn.softmax(logits / self.temperature))
        return (1 - self.share) * loss + self.share * self.temperature**2 * divergence

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update."""
        images, labels, weights = tf_keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            logits = self(images, training=True)
            loss = self.loss_of(images, labels, weights, logits)
        self.optimizer.minimize(loss, self.variables_to_train(), tape=tape)
        return self._tracked(loss, labels, logits)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """The same figures without an update."""
        images, labels, weights = tf_keras.utils.unpack_x_y_sample_weight(data)
        logits = self(images, training=False)
        return self._tracked(self.loss_of(images, labels, weights, logits), labels, logits)

    def _tracked(self, loss: tf.Tensor, labels: tf.Tensor, logits: tf.Tensor) -> dict[str, tf.Tensor]:
        mean, *others = self.trackers
        mean.update_state(loss)
        for metric in others:
            metric.update_state(labels, logits)
        return {metric.name: metric.result() for metric in self.trackers}

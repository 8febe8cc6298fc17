"""The model that tf-keras' `fit` trains: a quantized network with its task's loss, and perhaps a float teacher."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tf_keras

from tformer_keras.deploy.int8.tf_keras_framework import named
from tformer_keras.tasks.task import Task
from tformer_keras.training.recipe import Recipe


class QuantizedTrainer(tf_keras.Model):
    """What `training/trainer.py` is for Keras 3; the loss is (1 - w)·task + w·teacher (soft), w being the recipe's.

    With the float model itself as teacher a quantized one learns what it should round to, whatever the labels say.

    Args:
        network: a tf_keras model of images (b, h, w, 3), fake quantization inside, its outputs as the loss wants them.
        variables: its variables to train.
        task: whose outputs they are.
        recipe: gives label smoothing, w and the temperature.
        teacher: a function of normalised images → the same outputs, called in the graph, or None.
    """

    def __init__(
        self,
        network: tf_keras.Model,
        variables: Sequence[tf.Variable],
        task: Task,
        recipe: Recipe,
        teacher: Callable[[tf.Tensor], Sequence[tf.Tensor]] | None = None,
    ) -> None:
        super().__init__(name="trainer")
        self.network = network
        # In functions, or tf-keras would count what they hold among its own.
        self.variables_to_train = lambda: variables
        self.settings = lambda: (task, recipe)
        self.teacher = teacher
        self.trackers = [tf_keras.metrics.Mean(name=name) for name in ("loss", *task.measures)]

    @property
    def metrics(self) -> list[tf_keras.metrics.Metric]:
        """Reset by `fit` at the beginning of each epoch."""
        return list(self.trackers)

    @property
    def metrics_variables(self) -> list[Any]:
        """The metrics' state, for checkpoints."""
        return named(variable for metric in self.trackers for variable in metric.variables)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> list[tf.Tensor]:
        """The network's outputs."""
        return list(tf.nest.flatten(self.network(inputs, training=training)))

    def loss_of(
        self, images: tf.Tensor, truth: Any, weights: tf.Tensor, outputs: list[tf.Tensor]
    ) -> tf.Tensor:
        """The batch's mean loss."""
        task, recipe = self.settings()
        loss = task.loss(truth, outputs, weights, recipe)
        if self.teacher is None:
            return loss
        teacher = [tf.stop_gradient(part) for part in self.teacher(images)]
        share = recipe.distillation_weight
        return (1 - share) * loss + share * task.distill(teacher, "logits", outputs, recipe, "soft")

    def move(self, gradients: Sequence[tf.Tensor]) -> None:
        """Changes the variables, given the gradient of each."""
        self.optimizer.apply_gradients(zip(gradients, self.variables_to_train(), strict=True))

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update."""
        images, truth, weights = tf_keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            outputs = self(images, training=True)
            loss = self.loss_of(images, truth, weights, outputs)
        self.move(tape.gradient(loss, self.variables_to_train()))
        mean, *others = self.trackers
        mean.update_state(loss)
        task, _ = self.settings()
        for metric, values in zip(others, task.measure(truth, outputs).values(), strict=True):
            metric.update_state(values)
        return {metric.name: metric.result() for metric in self.trackers}

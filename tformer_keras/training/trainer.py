"""The model that Keras 3's `fit` trains: a network with its task's loss, and a teacher if there is one."""

from typing import Any

import keras

from tformer_keras.tasks.task import Task
from tformer_keras.training.recipe import Recipe


class Trainer(keras.Model):
    """Shares a functional model's layers; the loss is (1 - w)·task + w·teacher, w being `recipe.distillation_weight`.

    Batches are (images, truth, weights) as a loader makes them.

    Args:
        network: the functional model to train.
        task: whose outputs the network has.
        recipe: gives label smoothing, w and the temperature.
        teacher: a model of the same images and outputs, frozen, or None; see `distillation.load_teacher`.
        kind: "soft" or "hard" distillation.
    """

    def __init__(
        self,
        network: keras.Model,
        task: Task,
        recipe: Recipe,
        teacher: keras.Model | None = None,
        kind: str = "soft",
    ) -> None:
        super().__init__(inputs=network.inputs, outputs=network.outputs, name="trainer")
        self.task, self.recipe, self.kind = task, recipe, kind
        self.teacher = teacher
        self.means = {name: keras.metrics.Mean(name) for name in task.measures}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The batch's mean loss."""
        outputs = keras.tree.flatten(y_pred)
        loss = self.task.loss(y, outputs, sample_weight, self.recipe)
        if self.teacher is not None:
            teacher = keras.tree.flatten(self.teacher(x, training=False))
            share = self.recipe.distillation_weight
            distilled = self.task.distill(teacher, "logits", outputs, self.recipe, self.kind)
            loss = (1.0 - share) * loss + share * distilled
        return sum(self.losses, loss)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The epoch's means so far."""
        for name, values in self.task.measure(y, keras.tree.flatten(y_pred)).items():
            self.means[name].update_state(values)
        return dict(self.get_metrics_result())

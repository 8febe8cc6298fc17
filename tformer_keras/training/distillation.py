"""Learning from a teacher: Keras' Distiller with soft targets, or with DeiT's hard ones."""

from typing import Any

import keras
from keras import ops
from keras.distillation import Distiller, LogitsDistillation

from tformer_edge.errors import UserError
from tformer_keras.tasks.classification import gives_logits
from tformer_keras.training.model import load_model
from tformer_keras.training.recipe import Recipe

KINDS = ("soft", "hard")


@keras.saving.register_keras_serializable(package="tformer_keras")
class HardDistillation(LogitsDistillation):
    """Cross-entropy of the student's logits with the teacher's decision (Touvron et al., ICML 2021, equation 3).

    DeiT gives the teacher's term an output of its own (the distillation token); here both terms share the one output.
    """

    def __init__(self) -> None:
        super().__init__(temperature=1.0, loss="categorical_crossentropy")

    def compute_loss(self, teacher_outputs: Any, student_outputs: Any, **kwargs: Any) -> Any:
        """Mean over the batch, in nats, of logits (b, classes) both."""
        decision = ops.argmax(teacher_outputs, axis=-1)
        return ops.mean(ops.sparse_categorical_crossentropy(decision, student_outputs, from_logits=True))

    def get_config(self) -> dict[str, Any]:
        """No arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "HardDistillation":
        """From `get_config`."""
        return cls()


def load_teacher(path: str, student: keras.Model) -> keras.Model:
    """The frozen teacher in a `.keras` file, made to fit the student.

    Raises:
        UserError: the file is no Keras model, or has other outputs than the student.
    """
    teacher = load_model(path)
    teacher.trainable = False
    return as_teacher(teacher, student, path)


def as_teacher(teacher: keras.Model, student: keras.Model, name: str) -> keras.Model:
    """`teacher` as a model of the student's images: resized to the teacher's size, its output as logits.

    The teacher sees the student's normalised, augmented images; it should have been trained with the same mean and
    standard deviation.

    Args:
        teacher: a classifier.
        student: a classifier of the same classes.
        name: what to call the teacher in an error.

    Raises:
        UserError: it has other outputs than the student.
    """
    if (
        len(teacher.inputs) != 1
        or len(teacher.outputs) != 1
        or teacher.outputs[0].shape[-1] != student.outputs[0].shape[-1]
    ):
        raise UserError(
            f"expected a teacher with {student.outputs[0].shape[-1]} outputs, received {name} with outputs "
            f"{[tuple(output.shape) for output in teacher.outputs]}; train it on the same classes"
        )
    inputs = keras.Input(student.input_shape[1:], dtype=student.inputs[0].dtype)
    images: Any = inputs
    size = teacher.input_shape[1:3]
    if None not in size and tuple(size) != tuple(student.input_shape[1:3]):
        images = ops.image.resize(images, size, interpolation="bilinear", antialias=True)
    outputs = teacher(images, training=False)
    if not gives_logits(teacher):
        outputs = ops.log(ops.maximum(outputs, 1e-7))  # the softmax of these is the teacher's output again
    return keras.Model(inputs, ops.cast(outputs, student.outputs[0].dtype), name="teacher")


def make_distiller(student: keras.Model, teacher: keras.Model, kind: str, recipe: Recipe) -> Distiller:
    """A model to compile and fit, whose loss is (1 - w)·labels + w·teacher, w being `recipe.distillation_weight`.

    Args:
        student: the model to train; its layers are shared.
        teacher: from `load_teacher`.
        kind: "soft", T²·KL(teacher ‖ student) at temperature T (Hinton et al., 2015), or "hard".
        recipe: gives w and T.
    """
    if kind == "soft":
        # The loss as an object: named by its default string, Keras 3.15 applies it to the raw logits, which gives
        # no gradient at all [measured].
        loss: LogitsDistillation = LogitsDistillation(
            recipe.distillation_temperature, keras.losses.KLDivergence()
        )
    else:
        loss = HardDistillation()
    return Distiller(
        teacher=teacher,
        student=student,
        distillation_losses=[loss],
        student_loss_weight=1.0 - recipe.distillation_weight,
    )

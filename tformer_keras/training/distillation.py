"""Teachers to learn from: loaded, frozen, and made to fit the student's images."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from tformer_edge.errors import UserError
from tformer_keras.tasks.classification import logits_of
from tformer_keras.tasks.task import Task
from tformer_keras.training.model import load_model

# What a teacher's probability of 0 counts as: a smaller one would say that the teacher is surer than float32 can be.
LEAST = 1e-7


def load_teacher(paths: Sequence[str], student: keras.Model, task: Task) -> keras.Model:
    """The frozen teacher in a `.keras` file, made to fit the student; of several files, the mean of their outputs.

    The mean of logits is the logarithm of the geometric mean of the probabilities, but for a constant.

    Args:
        paths: `.keras` files, one or more.
        student: see `as_teacher`.
        task: see `as_teacher`.

    Raises:
        UserError: a file is no Keras model, or has other outputs than the student.
    """
    teachers = []
    for number, path in enumerate(paths):
        teacher = load_model(path)
        teacher.trainable = False
        teachers.append(as_teacher(teacher, student, path, task))
        teachers[-1].name = f"teacher_{number}"  # a model's parts need names of their own
    if len(teachers) == 1:
        return teachers[0]
    inputs = keras.Input(student.input_shape[1:], dtype=student.inputs[0].dtype)
    answers = [keras.tree.flatten(teacher(inputs, training=False)) for teacher in teachers]
    return keras.Model(
        inputs, [sum(parts) / len(parts) for parts in zip(*answers, strict=True)], name="teachers"
    )


def as_teacher(teacher: keras.Model, student: keras.Model, name: str, task: Task) -> keras.Model:
    """`teacher` as a model of the student's images: resized to the teacher's size, its outputs as the loss wants them.

    The teacher sees the student's normalised, augmented images; it should have been trained with the same mean and
    standard deviation.

    Args:
        teacher: a model of the same task.
        student: a model of the same classes.
        name: what to call the teacher in an error.
        task: of both.

    Raises:
        UserError: it has other outputs than the student.
    """
    shapes = [[tuple(output.shape[1:]) for output in model.outputs] for model in (teacher, student)]
    if len(teacher.inputs) != 1 or shapes[0] != shapes[1]:
        raise UserError(
            f"a teacher of one image, with outputs {shapes[1]}",
            f"{name} of {len(teacher.inputs)}, with outputs {shapes[0]}",
            "train it on the same classes",
        )
    inputs = keras.Input(student.input_shape[1:], dtype=student.inputs[0].dtype)
    images: Any = inputs
    size = teacher.input_shape[1:3]
    if None not in size and tuple(size) != tuple(student.input_shape[1:3]):
        images = ops.image.resize(images, size, interpolation="bilinear", antialias=True)
    meaning = task.meaning(teacher)
    outputs = [
        ops.cast(logits_of(output, meaning, LEAST), like.dtype)
        for output, like in zip(
            keras.tree.flatten(teacher(images, training=False)), student.outputs, strict=True
        )
    ]
    return keras.Model(inputs, outputs, name="teacher")

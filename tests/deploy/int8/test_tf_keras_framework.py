"""One recipe, two Kerases: both must make the same steps, losses and averages of it."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras.distillation import Distiller, LogitsDistillation

from tformer_edge.errors import UserError
from tformer_keras.deploy.int8.quantized_trainer import QuantizedTrainer
from tformer_keras.deploy.int8.tf_keras_framework import TF_KERAS, named
from tformer_keras.tasks.classification import CLASSIFICATION
from tformer_keras.training.averaged_weights import averaged, moving_average, use_average
from tformer_keras.training.framework import KERAS
from tformer_keras.training.optimizer import build_optimizer
from tformer_keras.training.recipe import Recipe
from tformer_keras.training.trainer import Trainer
from tformer_keras.training.variables import assign_arrays, to_arrays

RECIPE = Recipe(
    name="test", epochs=3, batch_size=4, learning_rate=0.05, final_learning_rate=0.1, warmup_epochs=1,
    weight_decay=0.2, beta_2=0.95, clip_norm=0.5, ema_momentum=0.6, label_smoothing=0.1,
    distillation_weight=0.7, distillation_temperature=2.0,
)  # fmt: skip


def test_both_make_the_same_steps() -> None:
    rng = np.random.default_rng(0)
    start = [rng.normal(size=(3, 4)).astype("float32"), rng.normal(size=4).astype("float32")]
    ours = [tf.Variable(value) for value in start]
    theirs = [keras.Variable(value) for value in start]
    tf_optimizer = build_optimizer(RECIPE, ours, 5, 3, framework=TF_KERAS)
    optimizer = build_optimizer(RECIPE, theirs, 5, 3)
    # Long enough for the averages to forget where they began: with the first weights here, after the first step there.
    for _ in range(40):
        gradients = [rng.normal(size=value.shape).astype("float32") for value in start]
        tf_optimizer.apply_gradients(zip([tf.constant(g) for g in gradients], ours, strict=True))
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients], theirs)
    for left, right, begun in zip(ours, theirs, start, strict=True):
        np.testing.assert_allclose(left.numpy(), keras.ops.convert_to_numpy(right), atol=1e-6)
        assert np.abs(left.numpy() - begun).max() > 0.05
    for (_, left), (_, right) in zip(moving_average(tf_optimizer), moving_average(optimizer), strict=True):
        np.testing.assert_allclose(left.value.numpy(), keras.ops.convert_to_numpy(right), atol=1e-6)


def test_the_average_is_put_in_and_taken_out_to_the_bit() -> None:
    variable = tf.Variable([1.0, 2.0])
    optimizer = build_optimizer(RECIPE, [variable], 5, 3, framework=TF_KERAS)
    for _ in range(2):
        optimizer.apply_gradients([(tf.constant([1.0, -1.0]), variable)])
    trained = variable.numpy()
    average = moving_average(optimizer)[0][1].value.numpy()
    with averaged(optimizer):
        np.testing.assert_array_equal(variable.numpy(), average)
    assert variable.numpy().tobytes() == trained.tobytes() != average.tobytes()
    optimizer.finalize_variable_values([variable])
    assert variable.numpy().tobytes() == trained.tobytes()
    use_average(optimizer)
    np.testing.assert_array_equal(variable.numpy(), average)


def test_variables_go_through_a_checkpoints_arrays() -> None:
    layer = tf_keras.layers.Dense(2)
    layer.build((None, 3))
    arrays = to_arrays({"model": named(layer.variables)})
    assert [name.rsplit("/", 1)[1] for name in arrays] == ["kernel", "bias"]
    before = layer.kernel.numpy()
    layer.kernel.assign(before + 1)
    assign_arrays({"model": named(layer.variables)}, arrays)
    np.testing.assert_array_equal(layer.kernel.numpy(), before)


@pytest.mark.parametrize("taught", [False, True])
def test_both_have_the_same_loss(taught: bool) -> None:
    rng = np.random.default_rng(1)
    images = rng.normal(size=(4, 5)).astype("float32")
    labels = rng.dirichlet(np.ones(3), size=4).astype("float32")  # as MixUp makes them
    kernels = [rng.normal(size=(5, 3)).astype("float32") for _ in range(2)]

    def dense(library: object, kernel: np.ndarray) -> object:
        inputs = library.Input((5,))
        model = library.Model(inputs, library.layers.Dense(3, use_bias=False)(inputs))
        model.set_weights([kernel])
        return model

    student, teacher = dense(keras, kernels[0]), dense(keras, kernels[1])
    network = dense(tf_keras, kernels[0])
    teach = (lambda images: [teacher(images)]) if taught else None
    trainer = QuantizedTrainer(network, network.trainable_variables, CLASSIFICATION, RECIPE, teach)
    outputs = trainer(images, training=True)
    received = trainer.loss_of(tf.constant(images), (tf.constant(labels),), tf.ones(4), outputs)
    ours = Trainer(student, CLASSIFICATION, RECIPE, teacher if taught else None)
    same = ours.compute_loss(images, (labels,), student(images), np.ones(4, "float32"))
    # Keras' own loss, and its own distiller, which neither of the two is made of.
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=RECIPE.label_smoothing)
    if taught:
        soft = LogitsDistillation(RECIPE.distillation_temperature, keras.losses.KLDivergence())
        share = 1 - RECIPE.distillation_weight
        distiller = Distiller(teacher, student, distillation_losses=[soft], student_loss_weight=share)
        distiller.compile(loss=loss)
        expected = distiller.compute_loss(images, labels, student(images))
    else:
        expected = loss(labels, student(images))
    assert float(received) == pytest.approx(float(expected), rel=1e-5)
    assert float(same) == pytest.approx(float(expected), rel=1e-5)
    trainer.compile(optimizer=build_optimizer(RECIPE, network.trainable_variables, 5, 3, framework=TF_KERAS))
    logs = trainer.train_on_batch(images, (labels,), np.ones(4, "float32"), return_dict=True)
    assert logs["loss"] == pytest.approx(float(expected), rel=1e-5) and 0 <= logs["top1"] <= 1
    assert not np.array_equal(network.get_weights()[0], kernels[0])
    np.testing.assert_array_equal(teacher.get_weights()[0], kernels[1])


@pytest.mark.parametrize(
    ("framework", "change"),
    [(TF_KERAS, {"accumulate": 2}), (TF_KERAS, {"mixed_precision": "bfloat16"}), (TF_KERAS, {"frozen_epochs": 1}),
     (KERAS, {"freeze_ranges_from": 0.5})],
)  # fmt: skip
def test_what_a_framework_lacks_is_an_error(framework: object, change: dict[str, object]) -> None:
    framework.check(RECIPE)
    with pytest.raises(UserError, match=next(iter(change))):
        framework.check(dataclasses.replace(RECIPE, **change))

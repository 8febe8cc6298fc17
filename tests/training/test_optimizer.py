"""The optimizer that a recipe makes: schedule, weight decay, averages, clipping."""

import keras
import numpy as np
import pytest

from tformer_keras.models import TFormer, TFormerConfig
from tformer_keras.training.averaged_weights import averaged, moving_average, use_average
from tformer_keras.training.optimizer import build_optimizer, learning_rate_schedule, undecayed
from tformer_keras.training.recipe import Recipe

RECIPE = Recipe(
    name="test", epochs=10, batch_size=8, learning_rate=0.1, final_learning_rate=0.05, warmup_epochs=2
)


def rate(schedule: keras.optimizers.schedules.LearningRateSchedule, step: int) -> float:
    return float(keras.ops.convert_to_numpy(schedule(step)))


def test_warm_up_and_cosine() -> None:
    schedule = learning_rate_schedule(RECIPE, 5, 10, frozen=False)
    rates = [rate(schedule, step) for step in range(51)]
    assert 0 < rates[0] <= 0.01 and np.all(np.diff(rates[:11]) > 0)
    assert rates[10] == pytest.approx(0.1) and np.all(np.diff(rates[10:]) < 0)
    assert rates[30] == pytest.approx(0.1 * (0.95 * 0.5 + 0.05), rel=1e-5)  # half-way down
    assert rates[50] == pytest.approx(0.005, rel=1e-4)


def test_frozen_phase_has_its_own_constant_rate() -> None:
    schedule = learning_rate_schedule(RECIPE, 5, 10, frozen=True)
    assert [rate(schedule, step) for step in (0, 20, 50)] == pytest.approx([1e-3] * 3)


def test_decay_spares_norms_biases_and_layer_scale() -> None:
    model = TFormer(TFormerConfig(depths=(1,), widths=(16,), input_shape=(8, 8, 3), classes=3))
    spared = {v.path for v in undecayed(model.trainable_variables)}
    decayed = {v.path for v in model.trainable_variables} - spared
    assert decayed and all(path.endswith("kernel") for path in decayed)
    assert not any(path.endswith("kernel") for path in spared)
    assert any("scale" in path for path in spared) and any("norm" in path for path in spared)

    recipe = Recipe(
        name="test", epochs=1, batch_size=1, learning_rate=0.5, final_learning_rate=1.0, weight_decay=0.2
    )
    optimizer = build_optimizer(recipe, model.trainable_variables, 4, 1)
    before = {v.path: keras.ops.convert_to_numpy(v.value) for v in model.trainable_variables}
    zeros = [keras.ops.zeros(v.shape) for v in model.trainable_variables]
    optimizer.apply(zeros, model.trainable_variables)
    for v in model.trainable_variables:
        factor = (
            0.9 if v.path in decayed else 1.0
        )  # 1 - learning rate · decay: Adam itself does nothing at gradient 0
        np.testing.assert_allclose(keras.ops.convert_to_numpy(v.value), factor * before[v.path], atol=1e-6)


def test_clipping_is_of_the_global_norm() -> None:
    recipe = Recipe(name="test", epochs=1, batch_size=1, learning_rate=0.5, clip_norm=0.7)
    optimizer = build_optimizer(recipe, [keras.Variable(np.ones(2, "float32"))], 4, 1)
    assert optimizer.global_clipnorm == 0.7 and optimizer.clipnorm is None


def test_average_is_put_in_and_taken_out_to_the_bit() -> None:
    recipe = Recipe(
        name="test", epochs=1, batch_size=1, learning_rate=0.1, ema_momentum=0.5, weight_decay=0.0
    )
    weight = keras.Variable(np.array([0.1, 0.2], "float32"))
    weight.constraint = keras.constraints.NonNeg()
    optimizer = build_optimizer(recipe, [weight], 400, 1)
    for _ in range(3):
        optimizer.apply([keras.ops.ones((2,))], [weight])
    trained = np.copy(keras.ops.convert_to_numpy(weight.value))
    average = np.copy(keras.ops.convert_to_numpy(moving_average(optimizer)[0][1].value))
    assert average[0] < 0, "Keras averages before the constraint; the test should show what is repaired"
    with averaged(optimizer):
        inside = np.copy(keras.ops.convert_to_numpy(weight.value))
    np.testing.assert_array_equal(inside, np.maximum(average, 0))
    assert keras.ops.convert_to_numpy(weight.value).tobytes() == trained.tobytes()
    optimizer.finalize_variable_values([weight])
    assert keras.ops.convert_to_numpy(weight.value).tobytes() == trained.tobytes()
    use_average(optimizer)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight.value), inside)


def test_accumulated_batches_average_as_slowly_as_whole_ones() -> None:
    recipe = Recipe(name="test", epochs=1, batch_size=1, learning_rate=0.1, ema_momentum=0.81, accumulate=2)
    optimizer = build_optimizer(recipe, [keras.Variable(np.ones(2, "float32"))], 400, 1)
    assert optimizer.ema_momentum == pytest.approx(0.9) and optimizer.gradient_accumulation_steps == 2


@pytest.mark.parametrize(("steps", "expected"), [(7500, 0.998), (500, 0.99), (10, 0.5), (3, 0.0)])
def test_a_short_run_averages_its_end_only(steps: int, expected: float) -> None:
    recipe = Recipe(name="test", epochs=1, batch_size=1, learning_rate=0.1, ema_momentum=0.998)
    optimizer = build_optimizer(recipe, [keras.Variable(np.ones(2, "float32"))], steps, 1)
    assert optimizer.ema_momentum == pytest.approx(expected)

"""Capacities as one task: the loss is the written sum, every capacity is judged as it would be alone."""

import copy
import dataclasses

import keras
import numpy as np
import pytest

from tformer_keras.tasks.classification import CLASSIFICATION
from tformer_keras.tasks.nested import NestedTask
from tformer_keras.training.recipes import RECIPES

RANDOM = np.random.default_rng(0)
TRUTH = np.eye(3, dtype="float32")[[0, 2, 1, 1]]
OUTPUTS = [RANDOM.normal(size=(4, 3)).astype("float32") for _ in range(3)]
WEIGHTS = np.ones(4, "float32")
RECIPE = dataclasses.replace(RECIPES["digits"], distillation_weight=0.25, distillation_temperature=2.0)
TASK = NestedTask(CLASSIFICATION, ("L", "M", "S"))


def softmax(values):
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_the_loss_is_the_mean_of_own_and_distilled_losses():
    def own(logits):
        shares = TRUTH * (1 - RECIPE.label_smoothing) + RECIPE.label_smoothing / 3
        return -(shares * np.log(softmax(logits))).sum(-1).mean()

    def distilled(logits):
        target, answer = softmax(OUTPUTS[0] / 2), softmax(logits / 2)
        return 4 * (target * (np.log(target) - np.log(answer))).sum(-1).mean()

    expected = own(OUTPUTS[0]) + sum(0.75 * own(part) + 0.25 * distilled(part) for part in OUTPUTS[1:])
    assert float(TASK.loss([TRUTH], OUTPUTS, WEIGHTS, RECIPE)) == pytest.approx(expected / 3, rel=1e-5)
    alone = NestedTask(CLASSIFICATION, ("L",)).loss([TRUTH], OUTPUTS[:1], WEIGHTS, RECIPE)
    assert float(alone) == pytest.approx(own(OUTPUTS[0]), rel=1e-5)


def test_a_teacher_teaches_every_capacity():
    teacher = [RANDOM.normal(size=(4, 3)).astype("float32")]
    each = [float(CLASSIFICATION.distill(teacher, "logits", [part], RECIPE, "soft")) for part in OUTPUTS]
    given = TASK.distill(teacher, "logits", OUTPUTS, RECIPE, "soft")
    assert float(given) == pytest.approx(np.mean(each), rel=1e-5)


def test_capacities_are_judged_each_by_itself_and_shards_are_merged():
    judges = [TASK.judge("abc", "logits") for _ in range(2)]
    for judge, rows in zip(judges, (slice(0, 3), slice(3, 4)), strict=True):
        judge.add([part[rows] for part in OUTPUTS], [TRUTH[rows]], WEIGHTS[rows])
    judges[0].merge(judges[1].state())
    found = judges[0].result()
    for part, (name, evaluation) in zip(OUTPUTS, found.capacities.items(), strict=True):
        alone = CLASSIFICATION.judge("abc", "logits")
        alone.add([part], [TRUTH], WEIGHTS)
        assert evaluation.to_json() == alone.result().to_json()
        key = "top1" if name == "L" else f"top1_{name}"
        assert found.figures[key].value == alone.result().headline.value
    assert found.headline == found.capacities["L"].headline and found.images == 4
    assert {"L", "M", "S"} == set(found.to_json()["capacities"]) and "S: top-1" in found.table()
    assert set(found.pictures()) == {"confusion.png"}


def test_the_heads_are_every_capacitys_last_layer_with_weights():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, name="shared")(inputs)
    first = keras.layers.Dense(3, name="first")(hidden)
    second = keras.layers.Softmax(name="softmax")(keras.layers.Dense(3, name="second")(hidden))
    model = keras.Model(inputs, [first, second])
    assert [layer.name for layer in TASK.head_layers(model)] == ["first", "second"]
    assert copy.copy(TASK).mixes and TASK.truth_shapes((8, 8), 3) == CLASSIFICATION.truth_shapes((8, 8), 3)

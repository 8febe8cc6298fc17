"""Classification, the server half: figures, losses and distillation against NumPy and Keras' own."""

import keras
import numpy as np
import pytest

from tformer_edge.errors import UserError
from tformer_edge.tasks import OPTIONS
from tformer_keras.tasks import TASKS
from tformer_keras.tasks.classification import CLASSIFICATION, logits_of
from tformer_keras.tasks.classification_judge import ClassificationEvaluation
from tformer_keras.tasks.task import Figure, evaluate
from tformer_keras.training.forward import forward
from tformer_keras.training.recipes import RECIPES


def batches_of(inputs, labels, weights, classes, size=8):
    truth = np.eye(classes, dtype="float32")[labels]
    for start in range(0, len(inputs), size):
        part = slice(start, start + size)
        yield inputs[part], (truth[part],), weights[part]


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_both_halves_know_the_same_tasks() -> None:
    assert list(TASKS) == list(OPTIONS)


def test_evaluation_equals_numpy_and_ignores_padding() -> None:
    random = np.random.default_rng(0)
    classes, images = 7, 37
    inputs = random.normal(size=(40, 2, 2, 3)).astype("float32")
    labels = random.integers(0, classes, 40)
    weights = (np.arange(40) < images).astype("float32")
    model = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(classes)])
    logits = keras.ops.convert_to_numpy(model(inputs))[:images]
    judge = CLASSIFICATION.judge([str(i) for i in range(classes)], CLASSIFICATION.meaning(model))
    evaluation = evaluate(forward(model), batches_of(inputs, labels, weights, classes), judge)
    true, shares, order = labels[:images], softmax(logits), np.argsort(-logits, axis=1)
    assert evaluation.images == images
    assert evaluation.top1 == pytest.approx(np.mean(order[:, 0] == true))
    assert evaluation.top5 == pytest.approx(np.mean((order[:, :5] == true[:, None]).any(1)))
    assert evaluation.cross_entropy == pytest.approx(
        -np.log(shares[np.arange(images), true]).mean(), rel=1e-4
    )
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (true, order[:, 0]), 1)
    np.testing.assert_array_equal(evaluation.confusion, confusion)
    assert evaluation.headline == evaluation.figures["top1"] == Figure("top-1", evaluation.top1, "%")


def test_two_judges_merged_are_one() -> None:
    random = np.random.default_rng(3)
    logits, labels = random.normal(size=(20, 3)), random.integers(0, 3, 20)
    truth = np.eye(3, dtype="float32")[labels]
    whole, left, right = (CLASSIFICATION.judge("abc", "logits") for _ in range(3))
    whole.add([logits], [truth], np.ones(20))
    left.add([logits[:7]], [truth[:7]], np.ones(7))
    right.add([logits[7:]], [truth[7:]], np.ones(13))
    left.merge(right.state())
    one, other = left.result(), whole.result()
    np.testing.assert_array_equal(one.confusion, other.confusion)
    assert one.cross_entropy == pytest.approx(other.cross_entropy) and one.top5 == other.top5


def test_softmax_outputs_are_seen_and_give_the_same_figures() -> None:
    random = np.random.default_rng(1)
    inputs = random.normal(size=(8, 4)).astype("float32")
    logits_model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    softmax_model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Activation("softmax")]
    )
    softmax_model.set_weights(logits_model.get_weights())
    meanings = [CLASSIFICATION.meaning(model) for model in (logits_model, softmax_model)]
    assert meanings == ["logits", "probabilities"]
    results = []
    for model, meaning in zip((logits_model, softmax_model), meanings, strict=True):
        judge = CLASSIFICATION.judge("abc", meaning)
        judge.add([np.asarray(model(inputs))], [np.eye(3)[random.integers(0, 3, 8) * 0 + 1]], np.ones(8))
        results.append(judge.result())
    assert results[0].cross_entropy == pytest.approx(results[1].cross_entropy, rel=1e-4)
    np.testing.assert_array_equal(results[0].confusion, results[1].confusion)


def test_a_zero_among_quantized_probabilities_counts_as_half_a_step() -> None:
    judge = CLASSIFICATION.judge("ab", "probabilities", step=1 / 256)
    judge.add([np.array([[1.0, 0.0]])], [np.array([[0.0, 1.0]])], np.ones(1))
    assert judge.result().cross_entropy == pytest.approx(np.log(1 + 1 / 512) + np.log(512))


def test_per_class_figures_and_table() -> None:
    confusion = np.array([[3, 1, 0], [2, 0, 0], [0, 0, 0]])
    evaluation = ClassificationEvaluation(("a", "b", "c"), confusion, 0.5, 1.0)
    a, b, c = evaluation.per_class()
    assert a == {"class": "a", "images": 4, "accuracy": 0.75, "precision": 0.6}
    assert b == {"class": "b", "images": 2, "accuracy": 0.0, "precision": 0.0}
    assert c == {"class": "c", "images": 0, "accuracy": None, "precision": None}
    assert evaluation.table().splitlines()[-1] == (
        "top-1 50.00 %, top-5 100.00 %, cross-entropy 0.5000 nats, 6 images"
    )
    assert evaluation.pictures()["confusion.png"].startswith(b"\x89PNG")


def test_equal_scores_rank_by_lower_index() -> None:
    judge = CLASSIFICATION.judge("abcdef", "logits")
    judge.add([np.zeros((2, 6))], [np.eye(6)[[1, 5]]], np.ones(2))
    evaluation = judge.result()
    assert evaluation.confusion[1, 0] == evaluation.confusion[5, 0] == 1 and evaluation.top5 == 0.5
    assert evaluation.cross_entropy == pytest.approx(np.log(6))


@pytest.mark.parametrize("recipe", ["finetune", "quantize"])
def test_the_loss_is_keras_own_to_the_bit(recipe: str) -> None:
    random = np.random.default_rng(2)
    logits = random.normal(size=(6, 5)).astype("float32") * 4
    truth = random.dirichlet(np.ones(5), 6).astype("float32")
    recipe = RECIPES[recipe]
    own = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)
    loss = CLASSIFICATION.loss([truth], [logits], np.ones(6, "float32"), recipe)
    assert float(loss) == float(own(truth, logits))


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_distillation_equals_numpy(kind: str) -> None:
    random = np.random.default_rng(4)
    teacher, student = random.normal(size=(2, 6, 5)).astype("float32") * 3
    recipe = RECIPES["quantize"]
    warmth = recipe.distillation_temperature
    if kind == "soft":
        target, answer = softmax(teacher / warmth), softmax(student / warmth)
        expected = warmth**2 * (target * np.log(target / answer)).sum(-1).mean()
    else:
        expected = -np.log(softmax(student)[np.arange(6), teacher.argmax(-1)]).mean()
    received = CLASSIFICATION.distill([teacher], "logits", [student], recipe, kind)
    assert float(received) == pytest.approx(expected, rel=1e-4)
    of_probabilities = CLASSIFICATION.distill([softmax(teacher)], "probabilities", [student], recipe, kind)
    assert float(of_probabilities) == pytest.approx(expected, rel=1e-3)


def test_logits_of_probabilities_give_them_back() -> None:
    shares = np.array([[0.25, 0.75, 0.0]], "float32")
    np.testing.assert_allclose(softmax(np.asarray(logits_of(shares, "probabilities"))), shares, atol=1e-6)


def test_truth_is_one_hot_and_classes_are_checked() -> None:
    (truth,) = CLASSIFICATION.encode([2, 0], [None, None], (8, 8), 3)
    assert truth.tolist() == [[0, 0, 1], [1, 0, 0]] and truth.dtype == np.float32
    with pytest.raises(UserError, match=r"^expected labels below 2 .*, received 2"):
        CLASSIFICATION.encode([2], [None], (8, 8), 2)


def test_a_model_with_other_outputs_is_refused() -> None:
    inputs = keras.Input((4,))
    two = keras.Model(inputs, [keras.layers.Dense(3)(inputs), keras.layers.Dense(3)(inputs)])
    with pytest.raises(UserError, match="one output of 3 scores.*received 2 outputs"):
        CLASSIFICATION.check(two, 3)
    one = keras.Model(inputs, keras.layers.Dense(4)(inputs))
    with pytest.raises(UserError, match=r"received one of shape \(4,\)"):
        CLASSIFICATION.check(one, 3)
    CLASSIFICATION.check(one, 4)

"""Figures of an evaluation, against NumPy, with padding that counts nowhere."""

import keras
import numpy as np
import pytest

from tformer_keras.tasks.classification import (
    ConfusionMatrix,
    Evaluation,
    best_classes,
    evaluate,
    evaluate_scores,
    gives_logits,
    make_evaluator,
    probabilities,
)


def test_evaluation_equals_numpy_and_ignores_padding() -> None:
    random = np.random.default_rng(0)
    classes, images = 7, 37
    inputs = random.normal(size=(40, 2, 2, 3)).astype("float32")
    labels = random.integers(0, classes, 40)
    weights = (np.arange(40) < images).astype("float32")
    model = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Flatten(), keras.layers.Dense(classes)])
    logits = keras.ops.convert_to_numpy(model(inputs))[:images]
    batches = [
        (inputs[i : i + 8], np.eye(classes, dtype="float32")[labels[i : i + 8]], weights[i : i + 8])
        for i in range(0, 40, 8)
    ]
    names = [str(i) for i in range(classes)]
    evaluation = evaluate(make_evaluator(model, classes, "auto"), (batch for batch in batches), 5, names)
    # The same of plain scores, for models that Keras 3 cannot evaluate.
    plain = evaluate_scores(model.predict_on_batch, batches, names).to_json()
    close = {name: pytest.approx(getattr(evaluation, name), rel=1e-4) for name in ("cross_entropy", "top5")}
    assert plain == {**evaluation.to_json(), **close}

    true = labels[:images]
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares = powers / powers.sum(1, keepdims=True)
    order = np.argsort(-logits, axis=1)
    assert evaluation.images == images
    assert evaluation.top1 == pytest.approx(np.mean(order[:, 0] == true))
    assert evaluation.top5 == pytest.approx(np.mean((order[:, :5] == true[:, None]).any(1)))
    assert evaluation.cross_entropy == pytest.approx(
        -np.log(shares[np.arange(images), true]).mean(), rel=1e-4
    )
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (true, order[:, 0]), 1)
    np.testing.assert_array_equal(evaluation.confusion, confusion)
    np.testing.assert_allclose(probabilities(model, logits), shares, rtol=1e-5)


def test_softmax_outputs_are_seen_and_give_the_same_figures() -> None:
    random = np.random.default_rng(1)
    inputs = random.normal(size=(8, 4)).astype("float32")
    logits_model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    softmax_model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), keras.layers.Activation("softmax")]
    )
    softmax_model.set_weights(logits_model.get_weights())
    assert gives_logits(logits_model) and not gives_logits(softmax_model)
    labels = np.eye(3, dtype="float32")[random.integers(0, 3, 8)]
    results = []
    for model in (logits_model, softmax_model):
        batches = ((inputs, labels, np.ones(8, "float32")) for _ in range(2))
        results.append(evaluate(make_evaluator(model, 3, "auto"), batches, 1, "abc"))
    assert results[0].cross_entropy == pytest.approx(results[1].cross_entropy, rel=1e-4)
    np.testing.assert_array_equal(results[0].confusion, results[1].confusion)


def test_per_class_figures() -> None:
    evaluation = Evaluation(("a", "b", "c"), np.array([[3, 1, 0], [2, 0, 0], [0, 0, 0]]), 0.5, 1.0)
    a, b, c = evaluation.per_class()
    assert a == {"class": "a", "images": 4, "accuracy": 0.75, "precision": 0.6}
    assert b == {"class": "b", "images": 2, "accuracy": 0.0, "precision": 0.0}
    assert c == {"class": "c", "images": 0, "accuracy": None, "precision": None}
    assert evaluation.top1 == 0.5


def test_equal_scores_rank_by_lower_index() -> None:
    assert [name for name, _ in best_classes(np.array([0.2, 0.4, 0.4]), "abc", 3)] == ["b", "c", "a"]


def test_confusion_matrix_round_trip() -> None:
    metric = ConfusionMatrix(4, name="matrix")
    assert ConfusionMatrix.from_config(metric.get_config()).classes == 4


def test_plain_scores_that_are_equal_rank_by_lower_index() -> None:
    labels = np.eye(6, dtype="float32")[[1, 5]]
    evaluation = evaluate_scores(
        lambda images: np.zeros((2, 6)), [(labels, labels, np.ones(2))], list("abcdef")
    )
    assert evaluation.confusion[1, 0] == evaluation.confusion[5, 0] == 1 and evaluation.top5 == 0.5
    assert evaluation.cross_entropy == pytest.approx(np.log(6))

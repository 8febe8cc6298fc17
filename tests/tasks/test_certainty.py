"""The temperature and the threshold below which a classifier's answer is none."""

import numpy as np
import pytest

from tformer_edge.certainty import Certainty, parse_certainty
from tformer_edge.refusal import Refusal
from tformer_keras.models.weights import SHIPPED
from tformer_keras.tasks import TASKS
from tformer_keras.tasks.certainty import TARGET, measure_certainty


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def drawn(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are `temperature` times too sharp, and labels drawn by the probabilities that they should say."""
    random = np.random.default_rng(0)
    honest = random.normal(0, 2, (count, 5))
    labels = (softmax(honest).cumsum(axis=1) < random.random((count, 1))).sum(axis=1)
    return honest * temperature, labels


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_calibrated_probabilities_are_as_often_right_as_they_say(temperature):
    logits, labels = drawn(temperature)
    found = measure_certainty(logits, labels, "logits")
    assert found.certainty.temperature == pytest.approx(temperature, rel=0.03)
    shares = softmax(logits / found.certainty.temperature)
    right = shares.argmax(axis=1) == labels
    assert shares.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.01)
    assert found.calibrated <= found.cross_entropy
    answered = shares.max(axis=1) >= found.certainty.not_sure_below
    assert found.answered == answered.mean() and found.right == right[answered].mean() >= TARGET
    # The threshold is the least that keeps the promise: none that lets more through does.
    best = shares.max(axis=1)
    for lower in np.unique(best[~answered]):
        assert right[best >= lower].mean() < TARGET


def test_of_probabilities_the_temperature_is_one():
    logits, labels = drawn(3.0, 500)
    assert measure_certainty(logits, labels, "probabilities").certainty.temperature == 1


def test_equal_probabilities_are_answers_or_not_together():
    # 80 sure and right; 40 of one smaller probability, half of them right.
    logits = np.repeat([[9.0, 0.0], [1.0, 0.0]], [80, 40], axis=0)
    labels = np.repeat([0, 0, 1], [80, 20, 20])
    found = measure_certainty(logits, labels, "logits")
    assert found.answered == pytest.approx(80 / 120) and found.right == 1


def test_where_no_answer_is_good_enough_none_is_one():
    logits, labels = np.tile([[1.0, 0.0]], (200, 1)), np.arange(200) % 2
    found = measure_certainty(logits, labels, "logits")
    assert found.certainty.not_sure_below == 1 and found.answered == found.right == 0


def test_a_hundred_images_are_needed():
    logits, labels = drawn(1.0, 99)
    assert measure_certainty(logits, labels, "logits") is None


def test_the_judge_measures_it_where_it_is_asked_in_any_parts():
    logits, labels = drawn(2.0, 600)
    truth = np.eye(5)[labels]
    task = TASKS["classification"]
    plain, parts = (task.judge(tuple("abcde"), "logits", certainty=asked) for asked in (False, True))
    other = task.judge(tuple("abcde"), "logits", certainty=True)
    plain.add([logits], [truth], np.ones(600))
    # A last batch is padded with weights of 0.
    parts.add([logits[:400]], [truth[:400]], np.ones(400))
    other.add([np.tile(logits[400:], (2, 1))], [np.tile(truth[400:], (2, 1))], np.repeat([1, 0], 200))
    parts.merge(other.state())
    assert plain.result().certainty is None
    assert parts.result().certainty == measure_certainty(logits, labels, "logits")
    assert parts.result().top1 == plain.result().top1


def test_shipped_classifiers_have_one_and_a_broken_one_is_refused():
    for model in SHIPPED.values():
        config, certainty = model.config, parse_certainty(model.config)
        if config.get("task", "classification") == "classification":
            assert 0.5 < certainty.not_sure_below < 1
        else:
            assert certainty is None
    for broken in (
        {"temperature": 0, "not_sure_below": 0.5},
        {"temperature": 1, "not_sure_below": float("nan")},
    ):
        with pytest.raises(Refusal, match="certainty"):
            Certainty(**broken)

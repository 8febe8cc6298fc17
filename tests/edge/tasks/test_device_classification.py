"""Classification, the device half: ranking, agreement, and what is shown."""

import argparse

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks import classification_options
from tformer_edge.tasks.classification import TASK, rank, softmax
from tformer_edge.tasks.outputs_mean import OutputsMean

LABELS = ("a", "b", "c")


MEANS = OutputsMean(LABELS, "logits")
FRAME = Preprocessing((4, 4)).frame((8, 6))


def test_equal_values_rank_by_lower_index_and_quantized_ones_decide() -> None:
    info = TensorInfo((3,), "int8", 0.5, -1)
    options = classification_options.ClassificationOptions(2)
    answer = TASK.answer([np.array([3, 7, 7], np.int8)], [info], MEANS, FRAME, options)
    assert [one.label for one in answer.top] == ["b", "c"] and answer.top[0].score == 4.0
    np.testing.assert_allclose([one.probability for one in answer.top], softmax(answer.scores)[1:])
    assert answer.line() == "b 46.8 %   c 46.8 %"
    assert answer.to_json()["top"][1] == {
        "index": 2, "label": "c", "score": 4.0, "probability": pytest.approx(0.46831, abs=1e-5)
    }  # fmt: skip


def test_probabilities_are_shown_as_they_are() -> None:
    scores = np.array([0.25, 0.5, 0.25])
    answer = rank(scores, scores, LABELS, "probabilities", 9)
    assert [one.index for one in answer.top] == [1, 0, 2] and answer.probability == 0.5


def test_labels_of_strangers_cannot_move_the_cursor() -> None:
    scores = np.array([1.0, 0.0])
    assert "\x1b" not in rank(scores, scores, ("x\x1b[2J", "y"), "probabilities", 1).line()


def test_agreement_is_of_the_best_label() -> None:
    one, other = np.array([[1, 2], [5, 3], [4, 4]]), np.array([[0, 9], [1, 3], [7, 7]])
    assert TASK.agreement([one], [other], [], MEANS).tolist() == [1, 0, 1]


@pytest.mark.parametrize("colour", ["white", "black"])
def test_the_answer_is_drawn_legibly_on_any_ground(colour: str) -> None:
    scores = np.array([0.1, 0.9, 0.0])
    answer, picture = rank(scores, scores, LABELS, "probabilities", 2), Image.new("RGB", (160, 120), colour)
    drawn = np.asarray(answer.draw(picture).convert("L"))
    assert (
        drawn.min() < 40 and drawn.max() > 215 and np.asarray(picture).std() == 0
    )  # the picture itself stays


def test_options() -> None:
    parser = argparse.ArgumentParser()
    classification_options.add_arguments(parser)
    assert classification_options.options(parser.parse_args([])).top == 3
    for top in (0, True, 1.5):
        with pytest.raises(UserError, match="top of at least 1"):
            classification_options.ClassificationOptions(top)

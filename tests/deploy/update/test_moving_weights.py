"""Which weights move: the highest scores, or those of the layers behind which there is no other."""

import keras
import numpy as np

from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.update.moving_weights import best, everything, head


def test_the_highest_scores_over_all_arrays() -> None:
    scores = [np.array([[0.1, 5.0], [0.0, 2.0]]), np.array([3.0, 0.0, 2.0])]
    assert [mask.tolist() for mask in best(scores, 2)] == [
        [[False, True], [False, False]],
        [True, False, False],
    ]
    # Of equals the first; what did not matter at all never moves.
    assert [int(mask.sum()) for mask in best(scores, 3)] == [2, 1]
    assert [int(mask.sum()) for mask in best(scores, 100)] == [3, 2]
    assert not any(mask.any() for mask in best(scores, 0))


def test_the_head_is_what_gives_the_outputs() -> None:
    inputs = keras.Input((6, 6, 3))
    body = keras.layers.Conv2D(4, 3, activation="relu", name="body")(inputs)
    first = keras.layers.Softmax()(keras.layers.Dense(3, name="first")(keras.layers.Flatten()(body)))
    second = keras.layers.Conv2D(2, 1, name="second")(body)
    quantized = quantize_aware(keras.Model(inputs, [first, second]))
    names = [weight.name.split("/")[0] for _, weight in quantized.bindings if weight.trainable]
    assert sorted(set(names)) == ["body", "first", "second"]
    for name, mask, whole in zip(names, head(quantized), everything(quantized), strict=True):
        assert mask.all() == (name != "body") and mask.any() == mask.all() and whole.all()

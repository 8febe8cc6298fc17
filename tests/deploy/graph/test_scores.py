"""A softmax or a sigmoid behind outputs of any rank."""

import keras
import numpy as np
import pytest
import scipy.special
from keras import layers

from tformer_keras.deploy.graph.emit import emit
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.graph.rewrites.scores import end_in


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_of_a_map_and_of_a_vector(kind):
    inputs = layers.Input((6, 5, 3))
    logits = layers.Conv2D(4, 1)(inputs)
    model = keras.Model(inputs, [logits, layers.GlobalAveragePooling2D()(logits)])
    graph = lower(model).graph
    images = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype("float32")
    plain = [np.asarray(one) for one in emit(graph, "plain").model(images)]
    other, part = graph.copy(), graph.copy()
    end_in(other, kind)
    end_in(part, kind, graph.outputs[:1])
    expected = [
        scipy.special.softmax(one, -1) if kind == "softmax" else scipy.special.expit(one) for one in plain
    ]
    for one, found in zip(expected, emit(other, "scores").model(images), strict=True):
        np.testing.assert_allclose(found, one, atol=1e-6)
    first, second = emit(part, "part").model(images)
    np.testing.assert_allclose(first, expected[0], atol=1e-6)
    np.testing.assert_allclose(second, plain[1], atol=1e-6)
    with pytest.raises(ValueError, match="softmax"):
        end_in(graph, "relu")

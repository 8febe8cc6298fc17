"""Notes on tensors of a graph: found on that tensor alone, gone with it, and never on one that is computed."""

import gc

import keras
import numpy as np

from tformer_keras.layers import notes
from tformer_keras.layers.notes import note, noted


def traced(function, shape=(2, 3)):
    """Calls a function once with a tensor of a graph."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.function(function).get_concrete_function(tf.TensorSpec(shape))
    else:
        import jax

        jax.make_jaxpr(function)(np.zeros(shape, "float32"))


def test_a_note_is_on_its_tensor_alone():
    seen = []

    def function(x):
        y, z = x + 1, x + 2
        note(y, "one", 1)
        note(y, "two", 2)
        note(z, "one", 3)
        seen.append([noted(t, name) for t in (x, y, z) for name in ("one", "two", "three")])
        return y * z

    traced(function)
    assert seen == [[None, None, None, 1, 2, None, 3, None, None]]


def test_a_computed_tensor_has_none():
    x = keras.ops.ones((2, 3))
    note(x, "one", 1)
    assert noted(x, "one") is None


def test_notes_go_with_their_tensors():
    def function(x):
        for number in range(50):
            y = x + number
            assert noted(y, "number") is None, "of another tensor that stood at the same place in memory"
            note(y, "number", number)
            assert noted(y, "number") == number
        return x

    traced(function)
    gc.collect()
    assert not notes._TRACED

"""Channel shuffle: ShuffleNet's permutation, its inverse, and the identity."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from tformer_keras.layers import ChannelShuffle

EXAMPLES = {"tensorflow": 40, "jax": 8}[keras.backend.backend()]


def shuffle(x: np.ndarray, groups: int) -> np.ndarray:
    return ops.convert_to_numpy(ChannelShuffle(groups)(x))


def ramp(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


def test_a_permutation_by_hand():
    x = np.array([10, 11, 12, 20, 21, 22], "float32").reshape(1, 1, 1, 6)
    assert shuffle(x, 2).ravel().tolist() == [10, 20, 11, 21, 12, 22]
    assert shuffle(x, 3).ravel().tolist() == [10, 12, 21, 11, 20, 22]


@settings(max_examples=EXAMPLES)
@given(groups=st.integers(1, 6), per_group=st.integers(1, 6), size=st.tuples(*[st.integers(1, 5)] * 3))
def test_equals_the_definition_and_is_undone(reference, groups, per_group, size):
    x = ramp(*size, groups * per_group)
    shuffled = shuffle(x, groups)
    np.testing.assert_array_equal(shuffled, reference.channel_shuffle(x, groups))
    np.testing.assert_array_equal(
        np.sort(shuffled, axis=-1), x
    )  # a permutation of the channels of each pixel
    np.testing.assert_array_equal(
        shuffle(shuffled, per_group), x
    )  # its inverse: rows and columns change places


def test_each_group_receives_from_every_group():
    sources = shuffle(np.repeat(np.arange(4.0, dtype="float32"), 8)[None, None, None], 4).reshape(4, 8)
    assert all(set(group) == {0, 1, 2, 3} for group in sources)


def test_one_group_is_the_identity():
    x = ramp(2, 3, 4, 5)
    np.testing.assert_array_equal(shuffle(x, 1), x)


def test_the_gradient_is_the_inverse_permutation(gradient):
    x, weight = ramp(1, 2, 2, 6), ramp(1, 2, 2, 6) ** 2
    layer = ChannelShuffle(3)
    np.testing.assert_array_equal(gradient(lambda v: ops.sum(layer(v) * weight), x), shuffle(weight, 2))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(dtype):
    y = ChannelShuffle(2, dtype=f"mixed_{dtype}")(ramp(1, 2, 2, 4))
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    np.testing.assert_array_equal(ops.convert_to_numpy(ops.cast(y, "float32")), shuffle(ramp(1, 2, 2, 4), 2))


@pytest.mark.parametrize("shape", [(2, 5, 7, 12), (None, 5, None, 12), (None, None, None, 12)])
@pytest.mark.parametrize("groups", [1, 3])
def test_shape_inference(shape, groups):
    layer = ChannelShuffle(groups)
    assert layer.compute_output_shape(shape) == shape
    assert layer(keras.KerasTensor(shape)).shape == shape
    if None not in shape:
        assert tuple(layer(np.zeros(shape, "float32")).shape) == shape


def test_dynamic_height_and_width():
    inputs = keras.Input((None, None, 6))
    forward = model = keras.Model(inputs, ChannelShuffle(2)(inputs))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        forward = tf.function(model, input_signature=[tf.TensorSpec((None, None, None, 6))])
    for size in [(3, 2), (1, 5)]:
        x = ramp(2, *size, 6)
        np.testing.assert_array_equal(ops.convert_to_numpy(forward(x)), shuffle(x, 2))


@pytest.mark.parametrize("groups", [0, -1, 2.5, True, "two", None, float("nan")], ids=repr)
def test_wrong_group_count(groups):
    with pytest.raises(ValueError, match="^`groups` expected a whole number of at least 1, received "):
        ChannelShuffle(groups)


def test_channels_that_do_not_divide():
    with pytest.raises(
        ValueError, match="ChannelShuffle 'mix' expected input channels divisible by groups=4, received 6"
    ):
        ChannelShuffle(4, name="mix")(ramp(1, 2, 2, 6))


@pytest.mark.parametrize("shape", [(2, 4), (2, 5, 4), (2, 5, 5, 1, 4)])
def test_wrong_rank(shape):
    with pytest.raises(
        ValueError, match=r"ChannelShuffle 'mix' expected an input of rank 4, .* received shape \(2, "
    ):
        ChannelShuffle(2, name="mix")(ramp(*shape))


def test_unknown_channels():
    with pytest.raises(ValueError, match="ChannelShuffle 'mix' expected a known number of channels"):
        ChannelShuffle(2, name="mix")(keras.Input((4, 4, None)))

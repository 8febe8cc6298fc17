"""Hybrid pooling against windows in plain NumPy: any kernels, operators, channels, sizes; both implementations."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from tformer_keras.layers import HybridPooling
from tformer_keras.layers.hybrid_pooling import split_evenly

IMPLEMENTATIONS = ("auto", "separate")
# JAX compiles each new shape.
EXAMPLES = {"tensorflow": 60, "jax": 8}[keras.backend.backend()]
OPERATORS = [("average", "max"), ("max", "average"), ("average",), ("max",)]


def pixels(*shape: int, seed: int = 0) -> np.ndarray:
    """Distinct values (no ties for max pooling) away from zero mean, so that a zero in the padding shows."""
    values = np.random.default_rng(seed).permutation(int(np.prod(shape))) / np.prod(shape)
    return (values.reshape(shape) * 4 - 7).astype("float32")


def pool(x, *args, **kwargs) -> np.ndarray:
    return ops.convert_to_numpy(HybridPooling(*args, **kwargs)(x))


@st.composite
def cases(draw):
    kernels = draw(st.lists(st.sampled_from(range(1, 14, 2)), min_size=1, max_size=5, unique=True))
    operators = draw(st.sampled_from(OPERATORS))
    channels = len(kernels) * len(operators) + draw(st.integers(0, 7))
    return (
        kernels,
        operators,
        (draw(st.integers(1, 2)), draw(st.integers(1, 19)), draw(st.integers(1, 19)), channels),
    )


@settings(max_examples=EXAMPLES)
@given(cases(), st.sampled_from(IMPLEMENTATIONS))
def test_equals_the_naive_windows(reference, case, implementation):
    kernels, operators, shape = case
    x = pixels(*shape)
    expected = reference.hybrid_pooling(x, kernels, operators)
    np.testing.assert_allclose(pool(x, kernels, operators, implementation), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("operators", OPERATORS, ids="-".join)
@pytest.mark.parametrize(
    "kernels,size",
    [
        ((3, 5, 7, 9, 11), (16, 17)),  # the paper's kernels
        ((3, 5, 7, 9, 11), (7, 5)),  # smaller than the kernels
        ((3, 5, 7, 9, 11), (40, 2)),  # one side only
        ((11, 3, 7), (18, 18)),  # descending: no cascade
        ((1, 3), (18, 3)),
        ((1,), (4, 4)),
        ((5,), (17, 17)),
        ((3, 13), (1, 1)),
    ],
)
def test_shapes_that_take_each_path(reference, kernels, size, operators, implementation):
    channels = len(kernels) * len(operators) + 3
    x = pixels(2, *size, channels, seed=1)
    expected = reference.hybrid_pooling(x, kernels, operators)
    np.testing.assert_allclose(pool(x, kernels, operators, implementation), expected, rtol=1e-5, atol=1e-5)


def test_ties_share_a_gradient_of_the_same_sum(gradient):
    weight = np.random.default_rng(3).normal(size=(2, 6, 5, 9)).astype("float32")
    for operator in ("average", "max"):
        layer = HybridPooling((3, 5, 7), operator)
        flat = gradient(lambda v, f=layer: ops.sum(f(v) * weight), np.ones(weight.shape, "float32"))
        np.testing.assert_allclose(flat.sum((1, 2)), weight.sum((1, 2)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("operators", [("max", "average"), ("average",)], ids="-".join)
def test_kernels_may_share_out_the_channels_first(reference, operators, implementation):
    kernels, x = (1, 5, 7), pixels(2, 6, 5, 15, seed=2)
    layer = HybridPooling(kernels, operators, implementation, "kernel")
    expected = reference.hybrid_pooling(x, kernels, operators, "kernel")
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, rtol=1e-5, atol=1e-5)
    table = [(o, k, end - start) for o, k, start, end in reference.shares(15, operators, kernels, "kernel")]
    assert layer.shares(15) == table
    by_operator = HybridPooling(kernels, operators).shares(15)
    assert (table == by_operator) == (len(operators) == 1)


@given(st.integers(1, 500), st.integers(1, 20))
def test_channels_are_split_evenly_larger_shares_first(total, parts):
    split = split_evenly(total, parts)
    assert sum(split) == total and len(split) == parts
    assert split == sorted(split, reverse=True) and split[0] - split[-1] <= 1


@settings(max_examples=30)
@given(cases())
def test_shares_are_the_references(reference, case):
    kernels, operators, shape = case
    table = HybridPooling(kernels, operators).shares(shape[-1])
    expected = [(o, k, end - start) for o, k, start, end in reference.shares(shape[-1], operators, kernels)]
    assert table == expected
    assert min(channels for *_, channels in table) >= 1


def test_the_papers_split_of_64_channels():
    sizes = [channels for *_, channels in HybridPooling().shares(64)]
    assert sizes == [7, 7, 6, 6, 6, 7, 7, 6, 6, 6]


# Gradients.


@pytest.mark.parametrize("operators", OPERATORS, ids="-".join)
@pytest.mark.parametrize("size", [(6, 5), (17, 16)])
def test_gradients_of_both_implementations_agree(gradient, operators, size):
    kernels = (3, 5, 7)
    x = pixels(1, *size, 3 * len(operators) + 1)
    weight = np.random.default_rng(3).normal(size=x.shape).astype("float32")
    auto, separate = (
        gradient(lambda v, layer=layer: ops.sum(layer(v) * weight), x)
        for layer in [HybridPooling(kernels, operators, implementation) for implementation in IMPLEMENTATIONS]
    )
    assert np.abs(separate).max() > 0.1
    np.testing.assert_allclose(auto, separate, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_gradient_equals_that_of_the_naive_windows(reference, gradient, implementation):
    kernels, operators = (3, 5), ("average", "max")
    x = pixels(1, 4, 3, 5)
    weight = np.random.default_rng(4).normal(size=x.shape)
    layer = HybridPooling(kernels, operators, implementation)
    actual = gradient(lambda v: ops.sum(layer(v) * weight.astype("float32")), x)
    # The pools are piecewise linear: a step too small to change which pixel is the largest gives the exact slope.
    step, expected = 1e-3, np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        nudge = np.zeros(x.shape)
        nudge[index] = step
        up, down = (reference.hybrid_pooling(x + sign * nudge, kernels, operators) for sign in (1, -1))
        expected[index] = ((up - down) * weight).sum() / (2 * step)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


# Shapes that are unknown when the graph is built.


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("known", [(None, None), (None, 9), (6, None)])
def test_dynamic_height_and_width(reference, implementation, known):
    inputs = keras.Input((*known, 11))
    model = keras.Model(inputs, HybridPooling((3, 5, 7), implementation=implementation)(inputs))
    assert model.output_shape == (None, *known, 11)
    forward = model
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # Traced once for all sizes: the border correction must be computed at run time.
        forward = tf.function(model, input_signature=[tf.TensorSpec((None, *known, 11), tf.float32)])
    for size in [(6, 9), (1, 2), (20, 18)]:
        size = tuple(fixed or free for fixed, free in zip(known, size, strict=True))
        x = pixels(2, *size, 11)
        expected = reference.hybrid_pooling(x, (3, 5, 7), ("average", "max"))
        np.testing.assert_allclose(ops.convert_to_numpy(forward(x)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("shape", [(2, 5, 7, 12), (None, 5, None, 12), (None, None, None, 10)])
def test_shape_inference(implementation, shape):
    layer = HybridPooling(implementation=implementation)
    assert layer.compute_output_shape(shape) == shape
    assert layer(keras.KerasTensor(shape)).shape == shape
    if None not in shape:
        assert pool(np.zeros(shape, "float32"), implementation=implementation).shape == shape


# Precision and data format.


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("dtype,tolerance", [("float16", 4e-3), ("bfloat16", 3e-2)])
@pytest.mark.parametrize("size", [(5, 6), (17, 16)])
def test_half_precision(reference, implementation, dtype, tolerance, size):
    x = pixels(1, *size, 11) / 4
    layer = HybridPooling(implementation=implementation, dtype=f"mixed_{dtype}")
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    expected = reference.hybrid_pooling(x, (3, 5, 7, 9, 11), ("average", "max"))
    actual = ops.convert_to_numpy(ops.cast(y, "float32"))
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_channels_are_last_whatever_keras_defaults_to(monkeypatch, implementation):
    x = pixels(2, 6, 5, 11)
    expected = pool(x, implementation=implementation)
    before = keras.config.image_data_format()
    try:
        keras.config.set_image_data_format("channels_first")
        actual = pool(x, implementation=implementation)
    finally:
        keras.config.set_image_data_format(before)
    np.testing.assert_array_equal(actual, expected)


def test_it_has_no_weights():
    layer = HybridPooling()
    layer.build((None, 4, 4, 16))
    assert layer.weights == []


# Errors.


@pytest.mark.parametrize(
    "kernels", [(), (2,), (3, 4), (0,), (-3,), (3.5,), (None,), ("x",), (True,), None], ids=repr
)
def test_wrong_kernels(kernels):
    with pytest.raises(ValueError, match=r"^`kernels` expected odd whole numbers of at least 1, received "):
        HybridPooling(kernels)


def test_kernels_are_whole_numbers_also_when_written_as_floats():
    layer = HybridPooling((3.0, 5.0))
    assert [(k, type(k)) for k in layer.kernels] == [(3, int), (5, int)]


def test_repeated_kernels():
    with pytest.raises(ValueError, match=r"^`kernels` expected each size once, received \(3, 5, 3\)\.$"):
        HybridPooling((3, 5, 3))


@pytest.mark.parametrize("operators", [(), ("min",), ("max", "max"), ("average", "maximum"), None], ids=repr)
def test_wrong_operators(operators):
    with pytest.raises(
        ValueError, match=r'^`operators` expected one or both of "average" and "max", received '
    ):
        HybridPooling(operators=operators)


def test_wrong_channel_split():
    with pytest.raises(
        ValueError, match=r"^`channel_split` expected one of \('operator', 'kernel'\), received 'even'\.$"
    ):
        HybridPooling(channel_split="even")


def test_wrong_implementation():
    with pytest.raises(
        ValueError, match=r"^`implementation` expected one of \('auto', 'separate'\), received 'fast'"
    ):
        HybridPooling(implementation="fast")


@pytest.mark.parametrize("shape", [(2, 12), (2, 5, 12), (2, 5, 5, 1, 12)])
def test_wrong_rank(shape):
    with pytest.raises(
        ValueError, match=r"HybridPooling 'pool' expected an input of rank 4, .* received shape \(2, "
    ):
        HybridPooling(name="pool")(np.zeros(shape, "float32"))


def test_unknown_channels():
    with pytest.raises(
        ValueError, match="HybridPooling 'pool' expected a known number of channels, received shape"
    ):
        HybridPooling(name="pool")(keras.Input((4, 4, None)))


def test_too_few_channels():
    message = r"HybridPooling 'pool' expected at least 10 channels, .* 2 operators × 5 kernels, received 9\."
    with pytest.raises(ValueError, match=message):
        HybridPooling(name="pool")(np.zeros((1, 4, 4, 9), "float32"))

"""Grouped pointwise convolution against NumPy loops and against the backend's own grouped convolution."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from tformer_keras.layers import ChannelShuffle, GroupedPointwise
from tformer_keras.layers.activations import quick_gelu

EXAMPLES = {"tensorflow": 40, "jax": 8}[keras.backend.backend()]


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def with_random_weights(layer: keras.layers.Layer, channels: int) -> keras.layers.Layer:
    layer.build((None, None, None, channels))
    layer.set_weights([random(*weight.shape, seed=i + 1) for i, weight in enumerate(layer.weights)])
    return layer


@settings(max_examples=EXAMPLES)
@given(
    groups=st.integers(1, 5),
    inputs=st.integers(1, 4),
    outputs=st.integers(1, 4),
    batch=st.integers(1, 3),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    use_bias=st.booleans(),
)
def test_equals_the_loops(reference, groups, inputs, outputs, batch, height, width, use_bias):
    layer = with_random_weights(GroupedPointwise(groups * outputs, groups, use_bias), groups * inputs)
    x = random(batch, height, width, groups * inputs)
    expected = reference.grouped_pointwise(x, *layer.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("groups,inputs,outputs", [(2, 16, 20), (3, 17, 16), (2, 15, 40), (1, 3, 5)])
def test_wide_and_narrow_groups(reference, groups, inputs, outputs):
    layer = with_random_weights(GroupedPointwise(groups * outputs, groups), groups * inputs)
    x = random(2, 3, 2, groups * inputs)
    expected = reference.grouped_pointwise(x, *layer.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_equals_keras_grouped_convolution(gradient, groups):
    layer = with_random_weights(GroupedPointwise(12, groups), 8)
    convolution = keras.layers.Conv2D(12, 1, groups=groups)
    convolution.build((None, None, None, 8))
    assert layer.count_params() == convolution.count_params()
    kernel, bias = layer.get_weights()
    # Keras stores (1, 1, inputs a group, filters), the filters of group 0 first.
    convolution.set_weights([np.concatenate(list(kernel), axis=-1)[None, None], bias])
    x, weight = random(2, 5, 4, 8), random(2, 5, 4, 12, seed=9)
    outputs = [ops.convert_to_numpy(f(x)) for f in (layer, convolution)]
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-5)
    gradients = [gradient(lambda v, f=f: ops.sum(f(v) * weight), x) for f in (layer, convolution)]
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 3])
def test_no_convolution_is_called(groups):
    layer = with_random_weights(GroupedPointwise(6, groups), 6)
    x = random(1, 3, 3, 6)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        graph = tf.function(layer).get_concrete_function(tf.TensorSpec(x.shape)).graph
        text = " ".join(operation.type for operation in graph.get_operations())
    else:
        import jax

        text = str(jax.make_jaxpr(lambda v: layer(v))(x))
    assert "MatMul" in text or "dot_general" in text
    assert "conv" not in text.lower().replace("convert", "")


def test_weights_of_a_group_reach_that_group_alone():
    layer = with_random_weights(GroupedPointwise(6, 3), 6)
    x = random(1, 2, 2, 6)
    other = x.copy()
    other[..., 2:4] += 1
    change = np.abs(ops.convert_to_numpy(layer(other)) - ops.convert_to_numpy(layer(x))).max((0, 1, 2))
    assert (change[[0, 1, 4, 5]] == 0).all() and (change[2:4] > 0).all()


# Behind a shuffle.


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="shuffles are folded in TensorFlow graphs"
)
@pytest.mark.parametrize(
    "groups,inputs,outputs,folded",
    [(2, 32, 16, True), (3, 6, 4, True), (2, 18, 17, True), (3, 16, 16, False)],
)
def test_a_shuffle_is_folded_into_the_kernel(groups, inputs, outputs, folded):
    import tensorflow as tf

    layer = with_random_weights(GroupedPointwise(groups * outputs, groups), groups * inputs)
    shuffle = ChannelShuffle(groups)
    x, weight = random(2, 3, 2, groups * inputs), random(2, 3, 2, groups * outputs, seed=5)

    def forward(x):
        return layer(shuffle(x))

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = forward(x)
            loss = tf.reduce_sum(outputs * weight)
        return outputs, *tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])

    for actual, expected in zip(tf.function(step)(tf.constant(x)), step(tf.constant(x)), strict=True):
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-4, atol=1e-4)
    graph = tf.function(forward).get_concrete_function(tf.TensorSpec(x.shape)).graph
    reached, queue = set(), [graph.outputs[0].op]
    while queue:
        operation = queue.pop()
        if operation.name not in reached:
            reached.add(operation.name)
            queue += [tensor.op for tensor in operation.inputs]
    assert folded != any(shuffle.name in name for name in reached)


@pytest.mark.parametrize("groups,width", [(2, 32), (3, 48), (2, 8)], ids=["two", "three", "narrow"])
@pytest.mark.parametrize("activation", [quick_gelu, keras.activations.relu], ids=lambda one: one.__name__)
def test_a_whole_ffn_in_a_graph_equals_its_layers_one_by_one(groups, width, activation):
    layers = [
        with_random_weights(GroupedPointwise(4 * width * groups // 2, groups), width),
        keras.layers.Activation(activation),
        ChannelShuffle(groups),
        with_random_weights(GroupedPointwise(width, groups), 4 * width * groups // 2),
    ]
    inputs = outputs = keras.Input((3, 2, width))
    for layer in layers:
        outputs = layer(outputs)
    model = keras.Model(inputs, outputs)
    x, weight = random(2, 3, 2, width), random(2, 3, 2, width, seed=5)

    def forward(x, variables):
        return keras.ops.sum(model.stateless_call(variables, [], x)[0] * weight)

    variables = [variable.value for variable in model.trainable_variables]
    graph, eager = values_and_gradients(forward, x, variables)
    for actual, expected in zip(graph, eager, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=2e-4)


def values_and_gradients(forward, x, variables):
    """Of a function of an array and a list of arrays: as a graph computes them, and without one."""
    if keras.backend.backend() == "jax":
        import jax

        step = jax.value_and_grad(forward, (0, 1))
        results = []
        for function in (jax.jit(step), step):
            # Without a graph tracers are there too, for the gradient: none is left a note.
            value, (to_x, to_variables) = function(x, variables)
            results.append([value, to_x, *to_variables])
        return results
    import tensorflow as tf

    def step(x, variables):
        with tf.GradientTape() as tape:
            tape.watch([x, *variables])
            value = forward(x, variables)
        to_x, to_variables = tape.gradient(value, (x, variables))
        return [value, to_x, *to_variables]

    x, variables = tf.constant(x), [tf.convert_to_tensor(variable) for variable in variables]
    return [tf.function(step)(x, variables), step(x, variables)]


def test_a_shuffle_of_other_groups_is_not_folded(reference):
    layer = with_random_weights(GroupedPointwise(8, 2), 12)
    inputs = keras.Input((3, 2, 12))
    model = keras.Model(inputs, layer(ChannelShuffle(3)(inputs)))
    x = random(2, 3, 2, 12)
    expected = reference.grouped_pointwise(reference.channel_shuffle(x, 3), *layer.get_weights())
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)


# Initializers.


def kernel_of(**arguments) -> np.ndarray:
    layer = GroupedPointwise(8, groups=4, **arguments)
    layer.build((None, 2, 2, 8))
    return layer.get_weights()[0]


INITIALIZERS = {
    "default": lambda: None,
    "by name": lambda: "glorot_uniform",
    "unseeded": lambda: keras.initializers.HeNormal(),
    "seeded": lambda: keras.initializers.GlorotUniform(seed=3),
    "seed 0": lambda: keras.initializers.TruncatedNormal(stddev=0.02, seed=0),
    "seed generator": lambda: keras.initializers.RandomNormal(seed=keras.random.SeedGenerator(1)),
    "orthogonal": lambda: keras.initializers.Orthogonal(seed=5),
}


@pytest.mark.parametrize("initializer", INITIALIZERS.values(), ids=INITIALIZERS)
def test_groups_do_not_start_as_copies_of_each_other(initializer):
    kernel = kernel_of(kernel_initializer=initializer())
    for g in range(4):
        for other in range(g):
            assert np.abs(kernel[g] - kernel[other]).max() > 1e-4, f"groups {other} and {g} are equal"


def test_a_seed_repeats_and_another_differs():
    first, again, other = (
        kernel_of(kernel_initializer=keras.initializers.GlorotUniform(seed=seed)) for seed in (3, 3, 90)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, other).any(axis=(1, 2)).all()


def test_keras_global_seed_repeats():
    kernels = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(seed)
        kernels.append(kernel_of())
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_a_plain_function_initializes():
    kernel = kernel_of(kernel_initializer=lambda shape, dtype=None: ops.full(shape, 0.25, dtype=dtype))
    np.testing.assert_array_equal(kernel, np.full((4, 2, 2), 0.25))


def test_the_fan_is_that_of_one_group():
    layer = GroupedPointwise(256, groups=4, kernel_initializer=keras.initializers.HeNormal(seed=1))
    layer.build((None, 2, 2, 512))
    kernel, bias = layer.get_weights()
    assert kernel.shape == (4, 128, 64) and bias.shape == (256,)
    assert kernel.std() == pytest.approx(np.sqrt(2 / 128), rel=0.02)


def test_the_default_is_a_truncated_normal_of_two_hundredths():
    layer = GroupedPointwise(128, groups=2)
    layer.build((None, 2, 2, 256))
    kernel, bias = layer.get_weights()
    # Keras' truncated normal is cut at two standard deviations: 0.88 of the untruncated one.
    assert kernel.std() == pytest.approx(0.02 * 0.8796, rel=0.03) and np.abs(kernel).max() <= 0.04 + 1e-6
    assert (bias == 0).all()


def test_regularizers_act():
    regularizers = {
        "kernel_regularizer": keras.regularizers.L2(0.5),
        "bias_regularizer": keras.regularizers.L1(0.25),
    }
    layer = with_random_weights(GroupedPointwise(6, 3, **regularizers), 6)
    kernel, bias = layer.get_weights()
    expected = 0.5 * (kernel.astype("float64") ** 2).sum() + 0.25 * np.abs(bias).sum()
    assert sum(float(loss) for loss in layer.losses) == pytest.approx(expected, rel=1e-5)


# Precision, shapes, data format.


@pytest.mark.parametrize("dtype,tolerance", [("float16", 5e-3), ("bfloat16", 4e-2)])
@pytest.mark.parametrize("groups", [1, 2])
def test_mixed_precision(reference, dtype, tolerance, groups):
    layer = with_random_weights(GroupedPointwise(8, groups, dtype=f"mixed_{dtype}"), 4)
    x = random(1, 3, 3, 4)
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == dtype
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    expected = reference.grouped_pointwise(x, *layer.get_weights())
    actual = ops.convert_to_numpy(ops.cast(y, "float32"))
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=4 * tolerance)


@pytest.mark.parametrize("shape", [(2, 5, 7, 12), (None, 5, None, 12), (None, None, None, 12)])
@pytest.mark.parametrize("groups", [1, 2])
def test_shape_inference(shape, groups):
    layer = GroupedPointwise(6, groups)
    expected = (*shape[:3], 6)
    assert layer.compute_output_shape(shape) == expected
    assert layer(keras.KerasTensor(shape)).shape == expected
    if None not in shape:
        assert tuple(layer(np.zeros(shape, "float32")).shape) == expected


def test_dynamic_height_and_width(reference):
    inputs = keras.Input((None, None, 4))
    layer = GroupedPointwise(6, 2)
    model = keras.Model(inputs, layer(inputs))
    forward = model
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        forward = tf.function(model, input_signature=[tf.TensorSpec((None, None, None, 4))])
    for size in [(3, 2), (1, 5)]:
        x = random(2, *size, 4)
        expected = reference.grouped_pointwise(x, *layer.get_weights())
        np.testing.assert_allclose(ops.convert_to_numpy(forward(x)), expected, rtol=1e-4, atol=1e-6)


# Errors.


@pytest.mark.parametrize("argument", ["filters", "groups"])
@pytest.mark.parametrize("value", [0, -2, 1.5, True, "two", None, float("nan"), [2]], ids=repr)
def test_wrong_counts(argument, value):
    arguments = {"filters": 4, "groups": 2, argument: value}
    with pytest.raises(ValueError, match=f"^`{argument}` expected a whole number of at least 1, received "):
        GroupedPointwise(**arguments)


def test_filters_that_do_not_divide():
    message = r"^GroupedPointwise 'ffn' expected filters divisible by groups=4, received 6\.$"
    with pytest.raises(ValueError, match=message):
        GroupedPointwise(6, groups=4, name="ffn")


def test_channels_that_do_not_divide():
    with pytest.raises(
        ValueError, match="GroupedPointwise 'ffn' expected input channels divisible by groups=4, received 6"
    ):
        GroupedPointwise(8, groups=4, name="ffn")(random(1, 2, 2, 6))


@pytest.mark.parametrize("shape", [(2, 4), (2, 5, 4), (2, 5, 5, 1, 4)])
def test_wrong_rank(shape):
    with pytest.raises(
        ValueError, match=r"GroupedPointwise 'ffn' expected an input of rank 4, .* received shape \(2, "
    ):
        GroupedPointwise(4, name="ffn")(random(*shape))


def test_unknown_channels():
    with pytest.raises(ValueError, match="GroupedPointwise 'ffn' expected a known number of channels"):
        GroupedPointwise(4, name="ffn")(keras.Input((4, 4, None)))

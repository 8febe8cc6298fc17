"""Counting against sums by hand, and against the published sizes of networks that this package did not invent."""

import keras
import pytest
from keras import layers

from tformer_keras.layers import ChannelShuffle, GroupedPointwise, HybridPooling, LayerScale, StochasticDepth
from tformer_keras.models.counting import Size, count, without_values
from tformer_keras.models.resnet import ResNet

pytestmark = pytest.mark.graph_alone


def model_of(*stack: layers.Layer, shape: tuple = (9, 7, 3)) -> keras.Model:
    x = inputs = keras.Input(shape)
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x)


CASES = {
    # layers, trainable parameters, multiply-accumulates
    "strided convolution": ([layers.Conv2D(5, 3, 2, padding="same")], 27 * 5 + 5, 5 * 4 * 27 * 5),
    "valid convolution": ([layers.Conv2D(5, (3, 2), use_bias=False)], 6 * 3 * 5, 7 * 6 * 6 * 3 * 5),
    "dilated convolution": ([layers.Conv2D(5, 3, dilation_rate=2, padding="same")], 140, 63 * 135),
    "grouped convolution": ([layers.Conv2D(6, 3, groups=3, padding="same")], 9 * 6 + 6, 63 * 9 * 6),
    "depthwise": ([layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)], 54 + 6, 63 * 54),
    "strided depthwise": ([layers.DepthwiseConv2D(3, 2, padding="same")], 27 + 3, 20 * 27),
    "dense": ([layers.Flatten(), layers.Dense(4)], 189 * 4 + 4, 189 * 4),
    "dense at each position": ([layers.Dense(4, use_bias=False)], 12, 63 * 12),
    "grouped pointwise": ([GroupedPointwise(6, 3)], 1 * 2 * 3 + 6, 63 * 6),
    "one group": ([GroupedPointwise(6)], 18 + 6, 63 * 18),
    "1-D convolution": ([layers.Reshape((63, 3)), layers.Conv1D(2, 3, padding="same")], 18 + 2, 63 * 18),
    "einsum over channels": ([layers.EinsumDense("bhwc,cd->bhwd", (9, 7, 4))], 12, 63 * 12),
    # A kernel of 7 × 7 positions for each of three channels.
    "einsum across positions": ([layers.EinsumDense("bhwc,cwv->bhvc", (9, 7, 3))], 3 * 49, 9 * 3 * 49),
    "einsum of two axes at once": ([layers.EinsumDense("bhwc,wcd->bhd", (9, 2))], 42, 9 * 42),
    # Norms and LayerScale: two or one trained numbers a channel, no multiply-accumulates; statistics not counted.
    "batch norm": ([layers.BatchNormalization()], 6, 0),
    "group norm": ([layers.GroupNormalization(1)], 6, 0),
    "layer norm": ([layers.LayerNormalization()], 6, 0),
    "layer scale": ([LayerScale()], 3, 0),
    "no weights": ([HybridPooling((3,)), ChannelShuffle(3), StochasticDepth(0.5), layers.Dropout(0.5)], 0, 0),
    "pools": ([layers.MaxPooling2D(), layers.GlobalAveragePooling2D()], 0, 0),
}


@pytest.mark.parametrize("stack,parameters,macs", CASES.values(), ids=CASES)
def test_by_hand(stack, parameters, macs):
    # A case's layers are built once: the table is not reused by another test.
    assert count(model_of(*stack)) == Size(parameters, macs)


def test_weights_without_values_count_as_much():
    def build() -> keras.Model:
        stack = [layers.Conv2D(4, 3), layers.BatchNormalization(), LayerScale(), layers.Dropout(0.5)]
        return model_of(
            *stack, model_of(layers.Dense(3), layers.EinsumDense("bhwc,cd->bhwd", (7, 5, 4)), shape=(7, 5, 4))
        )

    assert (
        count(without_values(build)) == count(build()) == Size(112 + 8 + 4 + 15 + 12, 35 * (27 * 4 + 12 + 12))
    )
    assert float(keras.Variable(3.0)) == 3.0, "and what is made afterwards has values"


def test_parts_add_up():
    stack = [layers.Conv2D(4, 3, 2, padding="same"), layers.BatchNormalization(), layers.Activation("relu"),
             layers.GlobalAveragePooling2D(), layers.Dense(2)]  # fmt: skip
    assert count(model_of(*stack)) == Size(27 * 4 + 4 + 8 + 4 * 2 + 2, 20 * 27 * 4 + 8)


def test_a_shared_layer_has_its_parameters_once_and_costs_twice():
    inputs, shared = keras.Input((9, 7, 3)), layers.Conv2D(3, 3, padding="same")
    assert count(keras.Model(inputs, shared(shared(inputs)))) == Size(81 + 3, 2 * 63 * 81)


def test_a_layer_shared_at_two_sizes_costs_what_each_size_costs():
    inputs, shared = keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same")
    outputs = [shared(inputs), shared(layers.AveragePooling2D(2)(inputs))]
    assert count(keras.Model(inputs, outputs)).macs == (64 + 16) * 81


def test_a_nested_model_is_walked():
    inner = model_of(layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization())
    inputs = keras.Input((9, 7, 3))
    once, twice = keras.Model(inputs, inner(inputs)), keras.Model(inputs, inner(inner(inputs)))
    assert count(once) == Size(84 + 6, 63 * 81)
    assert count(twice) == Size(84 + 6, 2 * 63 * 81)


def test_layers_outside_the_model_do_not_count():
    inputs, layer = keras.Input((9, 7, 3)), layers.Conv2D(3, 1)
    x = layer(inputs)
    layer(x)  # another use of the same layer, in no model
    layers.Conv2D(50, 3)(x)
    assert count(keras.Model(inputs, x)) == Size(12, 63 * 9)


def test_frozen_parameters_are_not_counted_but_their_work_is():
    model = model_of(layers.Conv2D(5, 1, trainable=False), layers.Dense(2))
    assert count(model) == Size(12, 63 * (15 + 10))


@pytest.mark.parametrize(
    "layer",
    [layers.Conv2DTranspose(4, 3), layers.SeparableConv2D(4, 3), layers.PReLU(), layers.Normalization()],
    ids=lambda layer: type(layer).__name__,
)
def test_an_unknown_layer_with_weights_is_an_error(layer):
    model = model_of(layer)
    message = (
        f"no rule for layer '{layer.name}' of class {type(layer).__name__}, which has weights; add its class"
    )
    with pytest.raises(ValueError, match=message):
        count(model)


def test_a_subclass_of_a_known_layer_counts_as_it():
    class Mine(layers.Conv2D):
        pass

    assert count(model_of(Mine(5, 1))).macs == 63 * 15


class Outer(layers.Layer):
    """The products of all pairs of positions, and a weight that costs nothing."""

    def build(self, one_shape, other_shape):
        self.offset = self.add_weight(shape=())

    def call(self, one, other):
        return keras.ops.matmul(one, keras.ops.transpose(other, (0, 2, 1))) + self.offset

    def multiply_accumulates(self, shapes):
        (_, rows, channels), (_, columns, _) = shapes
        return rows * columns * channels


def test_a_layer_says_what_it_costs():
    one, other = keras.Input((5, 4)), keras.Input((3, 4))
    assert count(keras.Model([one, other], Outer()(one, other))) == Size(1, 5 * 3 * 4)


def test_a_layer_is_not_asked_what_it_costs_at_an_unknown_size():
    one, other = keras.Input((None, 4)), keras.Input((3, 4))
    model = keras.Model([one, other], Outer(name="outer")(one, other))
    with pytest.raises(ValueError, match=r"layer 'outer' has a map of \(None, None, 4\)"):
        count(model)


def test_unknown_sizes_are_an_error():
    message = r"known input size, but layer 'conv' has a map of \(None, None, 7, 5\); build it with a fixed input_shape"
    with pytest.raises(ValueError, match=message):
        count(model_of(layers.Conv2D(5, 1, name="conv"), shape=(None, 7, 3)))


def test_a_model_without_a_graph_is_an_error():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(ValueError, match="expected a functional Keras model, received Subclassed 'mine'"):
        count(Subclassed(name="mine"))


@pytest.mark.parametrize(
    "variant,parameters,gmacs",
    [  # torchvision's documentation
        ("resnet18", 11_689_512, "1.81"),
        ("resnet50", 25_557_032, "4.09"),
        ("resnet101", 44_549_160, "7.80"),
    ],
)
def test_published_sizes_of_resnets(variant, parameters, gmacs):
    with keras.StatelessScope(initialize_variables=False):  # shapes are all that is counted
        size = count(ResNet(variant))
    assert (size.parameters, f"{size.macs / 1e9:.2f}") == (parameters, gmacs)


def test_an_unknown_resnet():
    with pytest.raises(
        ValueError, match="^`variant` expected one of resnet18, resnet50, resnet101, received 'resnet34'"
    ):
        ResNet("resnet34")

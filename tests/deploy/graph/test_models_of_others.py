"""What people bring: names, nested models, constants, ranks and operators that our own models do not have."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.graph.lowering_proof import prove_lowering
from tformer_keras.deploy.graph.nodes import plain_name
from tformer_keras.deploy.graph.rules import register_rule
from tformer_keras.deploy.graph.rules.identity_rule import AUGMENTATION

SHAPE = (8, 10, 3)


def images(count: int = 4, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, *shape)).astype("float32")


def proven(outputs, inputs) -> float:
    """The largest difference, with all rewrites and with none, for both targets."""
    model = keras.Model(inputs, outputs)
    random = np.random.default_rng(1)
    for weight in model.weights:
        if weight.dtype.startswith("float"):
            weight.assign(random.uniform(0.2, 0.8, weight.shape))
    return max(
        prove_lowering(model, lower(model, target, rewrites), images(shape=model.input_shape[1:]))
        for target in ("litert", "micro")
        for rewrites in ("all", "none")
    )


def constant(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).normal(size=shape).astype("float32")


CALLS = {
    "add an array": lambda x: layers.Add()([x, constant(1, *SHAPE)]),
    "a tensor": lambda x: layers.Multiply()([x, ops.full((1, 1, 1, 3), 2.0)]),
    "subtract a row": lambda x: layers.Subtract()([x, constant(1, 1, 10, 1)]),
    "maximum with an array": lambda x: layers.Maximum()([x, constant(1, *SHAPE)]),
    "minimum with an array": lambda x: layers.Minimum()([x, constant(1, *SHAPE), -x]),
    "an average with an array": lambda x: layers.Average()([x, constant(1, *SHAPE), x]),
    "a vector beside a map": lambda x: layers.Multiply()([x, layers.GlobalAveragePooling2D()(x)]),
    "a vector first": lambda x: layers.Add()([layers.GlobalMaxPooling2D()(x), x]),
    "a column beside a map": lambda x: layers.Add()([x, layers.AveragePooling2D((8, 1))(x)]),
    "operators": lambda x: (x + 1.0) * x - x / 3.0,
    "from the right": lambda x: 2.0 - 3.0 * (1.0 + x),
    "negated": lambda x: -x,
    "preprocess_input, tf": keras.applications.mobilenet_v2.preprocess_input,
    "preprocess_input, caffe": keras.applications.resnet50.preprocess_input,
    "channels turned": lambda x: x[..., ::-1],
    "some channels": lambda x: x[..., 1:],
    "some pixels": lambda x: x[:, 2:-1, 3:9],
    "some of both, turned": lambda x: x[:, 1:7, :, ::-2],
    "ops": lambda x: ops.sigmoid(ops.concatenate([ops.relu(x), ops.tanh(x), ops.silu(x)], axis=-1)),
    "ops of extremes": lambda x: ops.minimum(ops.maximum(x, -0.5), x * 0.5),
    "mean over pixels": lambda x: ops.mean(x, axis=(1, 2)),
    "maximum over pixels": lambda x: ops.max(x, axis=(1, 2)) - ops.amax(x, axis=(2, -3)),
    "maximum that keeps its axes": lambda x: x * ops.max(x, axis=(1, 2), keepdims=True),
    "absolute": lambda x: abs(x) + ops.abs(-x),
    "squares": lambda x: ops.square(x) + (x + 0.5) ** 2,
    "clipped to other bounds": lambda x: ops.clip(x, -0.3, 0.7),
    "clipped from zero on": lambda x: ops.clip(x, 0, 0.7) + layers.ReLU(max_value=1)(x),
    "leaky": lambda x: ops.leaky_relu(x, 0.3) + ops.elu(x),
    "exact gelu": lambda x: ops.gelu(x, approximate=False),
    "softmax": lambda x: ops.softmax(x),
    "every second pixel": lambda x: x[:, ::2, 1::3],
    "every second pixel of a part": lambda x: x[:, 1:7:2, 2:9:2],
    "transposed": lambda x: ops.transpose(x, (0, 2, 3, 1)),
    "an axis more, and less": lambda x: ops.squeeze(ops.expand_dims(x, -2), -2),
    "padded": lambda x: ops.pad(x, ((0, 0), (0, 2), (1, 0), (0, 0))),
    "reshaped": lambda x: ops.reshape(x, (-1, 10, 8, 3)),
    "constants twice": lambda x: layers.Add()([layers.Add()([x, constant(1, *SHAPE)]), constant(1, 1, 1, 3)]),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_that_are_no_plain_layers(name):
    inputs = layers.Input(SHAPE)
    outputs = CALLS[name](inputs)
    if len(outputs.shape) == 4:
        outputs = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, padding="same")(outputs))
    assert proven(outputs, inputs) < 1e-4


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_a_constant_in_a_concatenation_of_a_fixed_batch(axis):
    """Keras itself takes one only where the batch is 1."""
    shape = [1, *SHAPE]
    shape[axis] = 2
    inputs = layers.Input(batch_shape=(1, *SHAPE))
    outputs = layers.Concatenate(axis=axis)([inputs, constant(*shape), inputs])
    assert proven(layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3)(outputs)), inputs) < 1e-4


def test_nested_models_of_equal_names_have_each_their_own_weights():
    def fold(seed):
        keras.utils.set_random_seed(seed)
        x = layers.Input(SHAPE, name="image")
        y = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, padding="same", name="conv")(x))
        return keras.Model(x, layers.GlobalAveragePooling2D(name="pool")(y), name=f"fold{seed}")

    inputs = layers.Input(SHAPE)
    assert proven(layers.Add()([fold(1)(inputs), fold(2)(inputs)]), inputs) < 1e-4


def test_a_shared_layer_of_which_one_call_alone_is_normalised():
    inputs = layers.Input(SHAPE)
    shared = layers.Conv2D(3, 3, padding="same")
    first = layers.BatchNormalization()(shared(inputs))
    second = layers.BatchNormalization()(shared(first))
    outputs = layers.GlobalAveragePooling2D()(layers.Concatenate()([first, second, shared(second)]))
    assert proven(outputs, inputs) < 1e-4


@pytest.mark.parametrize("name", ["première couche", "_hidden", "a b", "image:0", "日本", "-", "a.b"])
def test_names_that_keras_allows(name):
    inputs = layers.Input(SHAPE, name="the image:0" if name == "a b" else "image")
    x = layers.Conv2D(4, 1, name=name)(inputs)
    x = layers.Conv2D(4, 1, name=plain_name(name) + "_other")(x)
    assert proven(layers.GlobalAveragePooling2D(name="日本 2")(x), inputs) < 1e-4


def test_names_that_collide_once_cleaned():
    inputs = layers.Input(SHAPE)
    x = layers.Conv2D(4, 1, name="a b")(inputs)
    for name in ("a_b", "a:b", "a_b_1"):
        x = layers.Conv2D(4, 1, name=name)(x)
    assert proven(layers.GlobalAveragePooling2D()(x), inputs) < 1e-4
    graph = lower(keras.Model(inputs, x)).graph
    assert len({plain_name(one) for one in graph.nodes}) == len(graph.nodes)


@pytest.mark.parametrize("name", [name for name in AUGMENTATION if hasattr(layers, name)])
def test_augmentation_gives_its_input_back_at_inference(name):
    """The rule says so of each of them; here Keras does."""
    arguments = {
        "RandomBrightness": (0.2,), "RandomContrast": (0.2,), "RandomRotation": (0.1,), "RandomZoom": (0.1,),
        "RandomTranslation": (0.1, 0.1), "RandomColorDegeneration": (0.5,), "RandomHue": (0.5,),
        "RandomPosterization": (4,), "RandomSaturation": (0.5,), "RandomSharpness": (0.5,),
    }  # fmt: skip
    layer = getattr(layers, name)(*arguments.get(name, ()))
    given = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(np.asarray(layer(given, training=False)), given)


def test_what_cannot_be_taken_is_named():
    inputs = layers.Input(SHAPE)
    for make, words in (
        (lambda x: layers.UnitNormalization()(x), "UnitNormalization"),
        (lambda x: ops.cumsum(x, axis=1), "Cumsum"),
        (lambda x: x[:, ::-2], "pixels in their own order"),
        (lambda x: x[:, ::2, :, 1:], "a step over pixels of all channels"),
        (lambda x: ops.pad(x, ((0, 0), (0, 0), (0, 0), (1, 0))), "height and width"),
        (
            lambda x: ops.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)), constant_values=2.0),
            "a constant among them",
        ),
        (lambda x: ops.pad(x, ((0, 0), (1, 0), (0, 0), (0, 0)), mode="reflect"), "padding with zeros"),
        (lambda x: x**3, "a power of 2"),
        (lambda x: ops.gelu(x), "approximate=False"),
        (lambda x: ops.max(x, axis=3), "maximum over height and width"),
        (lambda x: ops.clip(x, 1.0, 0.5), "the lower one first"),
        (lambda x: layers.ReLU(max_value=1, negative_slope=0.1)(x), "not both"),
        (lambda x: layers.ELU(alpha=0.3)(x), "alpha of 1"),
        (lambda x: x / x, "divisor that is a constant|tensors"),
        (lambda x: layers.Concatenate(axis=0)([x, x]), "any axis but the batch"),
    ):
        with pytest.raises(UserError, match=words):
            lower(keras.Model(inputs, make(inputs)))


def test_a_wrong_rule_is_refused_and_its_layer_named():
    class Doubling(layers.Layer):
        def call(self, inputs):
            return inputs * 2

    @register_rule(Doubling)
    def lower_doubling(call):
        return call.graph.add(call.node("scale_by", value=2.1))

    inputs = layers.Input(SHAPE)
    x = Doubling(name="twice")(layers.Conv2D(4, 1, name="before")(inputs))
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(x))
    with pytest.raises(UserError, match=r"off by 0\.\d+, first in layer 'twice' of class Doubling"):
        prove_lowering(model, lower(model), images())


def test_a_wrong_rewrite_is_refused_and_named(monkeypatch):
    from tformer_keras.deploy.graph import lower as module

    def wrong(graph):
        for node in graph.nodes.values():
            if node.operation == "convolution":
                kernel = node.weights["kernel"]
                node.weights["kernel"] = kernel.with_values(kernel.values * 1.5)

    steps = [
        module.Pass(wrong, step.name, step.targets) if step.name == "fold_shuffle" else step
        for step in module.PIPELINE
    ]
    monkeypatch.setattr(module, "PIPELINE", tuple(steps))
    inputs = layers.Input(SHAPE)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 1)(inputs)))
    with pytest.raises(UserError, match="by the rewrite 'fold_shuffle'"):
        prove_lowering(model, lower(model), images())


def test_nan_is_no_agreement():
    inputs = layers.Input(SHAPE)
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 1)(inputs)))
    bad = images()
    bad[0, 0, 0, 0] = np.nan
    with pytest.raises(UserError, match="off by inf"):
        prove_lowering(model, lower(model), bad)


def test_where_the_last_bit_of_the_input_decides_nothing_is_proven():
    """The logistic map, each step of which doubles a difference."""
    inputs = layers.Input(SHAPE)
    x = layers.Activation("sigmoid")(layers.BatchNormalization()(layers.Conv2D(4, 1)(inputs)))
    for _ in range(20):
        x = layers.Rescaling(4.0)(layers.Multiply()([x, layers.Rescaling(-1.0, 1.0)(x)]))
    model = keras.Model(inputs, x)
    model.layers[2].set_weights([np.full(4, value, "float32") for value in (0.7, 0.01, 0.001, 1.3)])
    with pytest.raises(UserError, match=r"moves by .* where the last bit of its input changes"):
        prove_lowering(model, lower(model), images())


@pytest.mark.parametrize("mean", [0.0, 0.3])
def test_a_factor_goes_through_zero_padding_an_offset_does_not(mean):
    """As keras.applications' EfficientNet begins: what is left of its input's constants."""
    inputs = layers.Input(SHAPE)
    x = layers.Normalization(mean=[mean] * 3, variance=[0.5, 1.0, 2.0])(layers.Rescaling(1 / 255)(inputs))
    x = layers.ZeroPadding2D(((1, 0), (0, 1)))(x)
    x = layers.Conv2D(4, 3, use_bias=False)(x)
    graph = lower(keras.Model(inputs, x)).graph
    left = [node for node in graph.nodes.values() if node.operation == "affine"]
    assert bool(left) == (mean != 0.0)
    assert not any(weight.trainable for node in left for weight in node.weights.values())
    assert proven(x, inputs) < 1e-5


def test_the_scale_of_inception_resnets_branches_folds_into_their_convolutions():
    """keras.applications' own layer: x + scale · branch."""
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    inputs = layers.Input(SHAPE)
    x = CustomScaleLayer(0.17)([inputs, layers.Conv2D(3, 1)(inputs)])
    graph = lower(keras.Model(inputs, x)).graph
    assert [node.operation for node in graph.nodes.values()] == ["input", "convolution", "add"]
    assert proven(layers.ReLU()(x), inputs) < 1e-5
    assert proven(CustomScaleLayer(0.17)([inputs, layers.ReLU()(inputs)]), inputs) < 1e-5

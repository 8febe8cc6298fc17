"""What heads gain from: upsampling inside and behind sums, 1×1 convolutions before it, a pixel that a sum spreads."""

from collections import Counter

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.lower import OWN_TENSORS, TARGETS, keeping_ranges, lower
from tformer_keras.deploy.int8.quantized_model import load_quantized, quantize_aware
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.interpreter import LiteRT

HEADS = ("nearest_in_sum", "sum_before_resize", "pointwise_before_resize", "spread_in_sum")
WITHOUT = [name for name in TARGETS["litert"] if name not in HEADS]
SHAPE = (6, 8, 5)


def operations(lowered):
    return Counter(node.operation for node in lowered.graph.nodes.values())


def doubled(x, interpolation="bilinear", factor=2):
    return layers.UpSampling2D(factor, interpolation=interpolation)(x)


def semantic_fpn(x, activation=None):
    """Three maps of half the size behind ReLUs, enlarged and added to a fine one, and classes of the sum."""
    small = [layers.Conv2D(6, 3, 2, padding="same", activation="relu")(x) for _ in range(3)]
    total = layers.Add()([layers.Conv2D(6, 1)(x), *map(doubled, small)])
    return layers.Conv2D(3, 1)(total if activation is None else layers.Activation(activation)(total))


def pyramid(x, activation=None):
    total = layers.Add()([layers.Conv2D(6, 1)(x), doubled(layers.Conv2D(6, 2, 2)(x), "nearest")])
    return layers.Conv2D(3, 1)(total if activation is None else layers.Activation(activation)(total))


def fully_convolutional(x):
    return layers.Conv2D(3, 1)(doubled(layers.Conv2D(6, 2, 2, activation="relu")(x)))


def deeplab(x):
    pixel = layers.Conv2D(4, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    spread = layers.UpSampling2D(x.shape[1:3], interpolation="nearest")(pixel)
    branches = [layers.Conv2D(4, 1)(x), spread, layers.Conv2D(5, 3, padding="same")(x)]
    return layers.Conv2D(6, 1, activation="relu")(layers.Concatenate()(branches))


FORMS = {
    "Semantic FPN": (semantic_fpn, {"resize": 1, "add": 3}),
    "Semantic FPN, ReLU behind the sum": (lambda x: semantic_fpn(x, "relu"), {"resize": 1, "add": 3}),
    "pyramid": (pyramid, {"resize": 0, "concatenate": 1, "add": 1}),
    "pyramid, ReLU6 behind the sum": (lambda x: pyramid(x, "relu6"), {"concatenate": 1, "add": 1}),
    "FCN": (fully_convolutional, {"resize": 1}),
    "DeepLab": (deeplab, {"resize": 0, "concatenate": 1, "add": 1}),
}


def model_of(form, shape=SHAPE):
    keras.utils.set_random_seed(0)
    inputs = keras.Input(shape)
    model = keras.Model(inputs, form(inputs))
    random = np.random.default_rng(0)
    model.set_weights([random.normal(size=weight.shape) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize("name", FORMS)
def test_a_head_is_equal_and_one_partition_in_int8(name, largest_difference):
    form, counts = FORMS[name]
    model = model_of(form)
    images = np.random.default_rng(1).normal(size=(8, *SHAPE)).astype("float32")
    quantized, plain = quantize_aware(model), quantize_aware(model, rewrites=WITHOUT)
    found = operations(quantized.lowered)
    assert {key: found[key] for key in counts} == counts
    assert largest_difference(model, quantized.lowered.model) < 1e-6
    if "ReLU" in name:  # seconds for int8, which has it in the sum
        return
    results = []
    for one in (quantized, plain):
        one.calibrate([images])
        litert = LiteRT(export_flatbuffer(one, io="float32"))
        # The spread of a pixel to a map that is no square is left to LiteRT without.
        assert litert.delegation()[0] == 1 or (one is plain and name == "DeepLab")
        results.append(litert.run_all(images)[0])
    expected = np.asarray(model(images))
    errors = [np.sqrt(np.mean((one - expected) ** 2)) / expected.std() for one in results]
    assert errors[0] < 0.03 and errors[0] < 1.5 * errors[1]
    if name.startswith("pyramid"):  # the same numbers moved otherwise
        np.testing.assert_array_equal(*results)


@settings(max_examples=20)
@given(
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    factor=st.integers(2, 3),
    method=st.sampled_from(["nearest", "bilinear"]),
    enlarged=st.integers(1, 4),
    fine=st.integers(0, 2),
    activation=st.sampled_from([None, "relu"]),
    classes=st.integers(1, 4),
)
def test_any_sum_of_enlarged_maps(
    size, factor, method, enlarged, fine, activation, classes, largest_difference
):
    def form(x):
        large = doubled(x, "nearest", factor)
        terms = [doubled(layers.Conv2D(3, 1)(x), method, factor) for _ in range(enlarged)]
        terms += [layers.Conv2D(3, 1)(large) for _ in range(fine)]
        total = layers.Add()(terms) if len(terms) > 1 else terms[0]
        return layers.Conv2D(classes, 1, activation=activation)(total)

    model = model_of(form, (*size, 2))
    assert largest_difference(model, lower(model).model) < 1e-5


def test_what_does_not_commute_stays():
    def wide(x):  # more channels than are enlarged
        return layers.Conv2D(9, 1)(doubled(layers.Conv2D(4, 1)(x)))

    def bent(x):  # a ReLU behind bilinear weights
        return layers.Conv2D(2, 1, activation="relu")(doubled(layers.Conv2D(4, 1)(x)))

    def windowed(x):
        return layers.Conv2D(2, 3)(doubled(layers.Conv2D(4, 1)(x)))

    for form in (wide, bent, windowed):
        graph = lower(model_of(form)).graph
        (resize,) = (node for node in graph.nodes.values() if node.operation == "resize")
        assert resize.channels == 4

    def read_twice(x):
        large = [doubled(layers.Conv2D(4, 1)(x)) for _ in range(2)]
        return layers.Concatenate()([layers.Add()(large), large[0], large[1]])

    assert operations(lower(model_of(read_twice)))["resize"] == 2

    def bent_sum(x):
        return layers.ReLU()(layers.Add()([doubled(layers.Conv2D(4, 1)(x)) for _ in range(2)]))

    assert operations(lower(model_of(bent_sum)))["resize"] == 2


def test_a_quantized_model_keeps_or_lacks_what_has_ranges_of_its_own(tmp_path):
    model = model_of(semantic_fpn)
    images = np.random.default_rng(1).normal(size=(4, *SHAPE)).astype("float32")
    paths = {"new": tmp_path / "new.npz", "old": tmp_path / "old.npz"}
    for path, rewrites in zip(paths.values(), ("all", WITHOUT), strict=True):
        quantized = quantize_aware(model, rewrites=rewrites)
        quantized.calibrate([images])
        quantized.weights_file(path)
    for target in (None, "litert", "micro"):
        assert set(OWN_TENSORS) <= set(load_quantized(model, paths["new"], target).rewrites)
        assert not set(OWN_TENSORS) & set(load_quantized(model, paths["old"], target).rewrites)
    with pytest.raises(UserError, match="a range for every tensor"):
        load_quantized(model, paths["old"], rewrites="all")
    assert keeping_ranges("micro", ()) == TARGETS["micro"]

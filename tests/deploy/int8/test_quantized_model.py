"""Quantization-aware models: what they compute, what they keep, and what their files refuse."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras import layers

import tformer_keras
from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.graph.nodes import same_numbers
from tformer_keras.deploy.int8.fake_quantization import range_groups
from tformer_keras.deploy.int8.quantized_model import load_quantized, quantize_aware
from tformer_keras.models import build


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(5).normal(size=(16, 16, 16, 3)).astype("float32")


@pytest.fixture(scope="module")
def model(randomise):
    return randomise(
        build(
            "tformer_micro",
            input_shape=(16, 16, 3),
            classes=5,
            depths=(1, 1, 0, 0),
            stem_kernel=3,
            stem_stride=2,
        )
    )


@pytest.fixture(scope="module")
def quantized(model, images):
    result = quantize_aware(model)
    result.calibrate([images[:8], images[8:]])
    return result


def fake_quantized(values, low, high):
    """The TFLite quantization specification in NumPy: asymmetric int8, the zero point nudged to a whole number."""
    scale = (high - low) / 255
    zero_point = np.clip(np.rint(-128 - low / scale), -128, 127)
    return (np.clip(np.rint(values / scale) + zero_point, -128, 127) - zero_point) * scale


def test_one_convolution_equals_the_specification(images):
    inputs = layers.Input((16, 16, 3), name="x")
    model = keras.Model(inputs, layers.Conv2D(4, 3, activation="relu", name="conv")(inputs))
    kernel, bias = np.array(model.layers[1].kernel), np.array([0.1, -0.2, 0.0, 3.0], "float32")
    model.layers[1].bias.assign(bias)
    result = quantize_aware(model)
    result.calibrate([images[:8], images[8:]])
    low, high = (np.mean([f(images[:8]), f(images[8:])]) for f in (np.min, np.max))
    assert np.allclose(result.ranges["x"], (low, high))
    scales = np.abs(kernel).max((0, 1, 2)) / 127
    weights = np.rint(kernel / scales) * scales
    exact = tf.nn.conv2d(fake_quantized(images, low, high), weights, 1, "VALID") + bias
    # ReLU belongs to the convolution: its output is what has the range, from zero.
    assert list(result.ranges) == ["x", "conv.relu"] and result.ranges["conv.relu"][0] == 0
    expected = fake_quantized(np.maximum(exact, 0), *result.ranges["conv.relu"])
    received = np.asarray(result.model(images))
    step = result.ranges["conv.relu"][1] / 255
    # A value in the middle between two steps may fall on either side in float32.
    assert np.abs(received - expected).max() < 1.01 * step
    assert (np.abs(received - expected) > step / 2).mean() < 1e-3


def test_int8_stays_near_the_float_model(model, quantized, images):
    expected, received = np.asarray(model(images, training=False)), quantized.model(images).numpy()
    assert np.abs(received - expected).mean() < 0.1 * expected.std()
    assert np.corrcoef(received.ravel(), expected.ravel())[0, 1] > 0.99


def test_every_share_of_a_hybrid_layer_has_the_range_of_the_stream(model, quantized):
    groups = {name: group for group in range_groups(quantized.lowered.graph) for name in group}
    group = groups["stage1_patch"]
    assert {"stage1_block1_mixer_pool.average.border", "stage1_patch"} <= set(group)
    assert "stage1_block1_mixer_pool.average.rows" not in group
    # The four products of the expansion are one logical tensor.
    assert len([name for name in groups if name.startswith("stage1_block1_ffn_activation.steep")]) == 1


def test_weights_are_whole_arrays_in_any_layout(model, quantized, images):
    other = quantize_aware(model, rewrites=["fold_norms"])
    weights = {name: array + 0.01 for name, array in quantized.weights.items()}
    other.weights = weights
    for name, array in other.weights.items():
        np.testing.assert_array_equal(array, weights[name])
    again = quantize_aware(model)
    again.weights = weights
    folded, rewritten = lower_with(other), lower_with(again)
    np.testing.assert_allclose(
        folded(images), rewritten(images), rtol=0, atol=1e-4 * np.ptp(rewritten(images))
    )


def lower_with(quantized):
    from tformer_keras.deploy.graph.emit import emit

    return emit(quantized.graph(), "float").model


def test_the_float_form_has_the_current_weights(model, images):
    quantized = quantize_aware(model)
    before = quantized.float_form().model(images[:2]).numpy()
    np.testing.assert_allclose(before, model(images[:2]), atol=1e-4)
    assert same_numbers(quantized.graph(), lower(model).graph)
    quantized.weights = {name: array + 0.01 for name, array in quantized.weights.items()}
    after = quantized.float_form().model(images[:2]).numpy()
    assert np.abs(after - before).max() > 1e-3
    assert not same_numbers(quantized.graph(), lower(model).graph)


def test_training_moves_weights_and_ranges_until_they_are_frozen(model, images):
    result = quantize_aware(model)
    result.calibrate([images])
    labels = np.arange(16) % 5

    def train():
        before = result.weights, result.ranges
        result.model.fit(images, labels, batch_size=8, epochs=1, verbose=0)
        after = result.weights, result.ranges
        moved = {name for name in before[0] if not np.array_equal(before[0][name], after[0][name])}
        return moved, {name for name in before[1] if before[1][name] != after[1][name]}

    loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    result.model.compile(tf_keras.optimizers.SGD(0.01), loss, jit_compile=False)
    weights, ranges = train()
    assert weights == set(result.weights)
    assert len(ranges) > 0.9 * len(result.ranges)
    result.freeze_ranges()
    weights, ranges = train()
    assert weights == set(result.weights) and not ranges
    result.freeze_ranges(False)
    result.freeze_weights()
    result.model.compile(tf_keras.optimizers.SGD(0.01), loss, jit_compile=False)
    weights, ranges = train()
    assert not weights and ranges


def test_a_saved_model_comes_back_for_both_targets(model, quantized, images, tmp_path):
    quantized.save(tmp_path / "q")
    expected = quantized.model(images).numpy()
    again = load_quantized(tmp_path / "q")
    assert again.rewrites == quantized.rewrites and again.ranges == quantized.ranges
    np.testing.assert_array_equal(again.model(images), expected)
    micro = load_quantized(model, tmp_path / "q" / "quantized.npz", target="micro")
    assert micro.target == "micro"
    assert np.abs(micro.model(images).numpy() - expected).mean() < 0.05 * expected.std()
    assert sorted(path.name for path in (tmp_path / "q").iterdir()) == ["model.keras", "quantized.npz"]


def test_the_same_model_gives_the_same_bytes(quantized, tmp_path):
    for name in ("a.npz", "b.npz"):
        quantized.weights_file(tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_damaged_and_foreign_files_are_refused(model, quantized, tmp_path):
    path = tmp_path / "q.npz"
    quantized.weights_file(path)
    good = path.read_bytes()
    for length in (0, 10, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(UserError, match="missing or damaged"):
            load_quantized(model, path)
    with np.load(__import__("io").BytesIO(good)) as file:
        arrays = dict(file)
    range_name = next(name for name in arrays if name.startswith("range/"))
    weight_name = next(name for name in arrays if name.startswith("weight/"))
    options = json.loads(bytes(arrays["options"]))
    for change, message in (
        (
            {"options": np.frombuffer(json.dumps({**options, "format": 2}).encode(), "uint8")},
            "expected format 1, received 2",
        ),
        ({range_name: np.array([0, np.nan], "float32")}, "expected finite float32"),
        ({range_name: np.array([1, 2], "float32")}, "low ≤ 0 ≤ high"),
        ({weight_name: arrays[weight_name].astype("float64")}, "expected finite float32"),
        ({weight_name: arrays[weight_name][..., :-1]}, "belong to another model"),
    ):
        np.savez(path, **{**arrays, **change})
        with pytest.raises(UserError, match=message):
            load_quantized(model, path)
    np.savez(path, **{name: array for name, array in arrays.items() if name != range_name})
    with pytest.raises(UserError, match="calibrate this graph"):
        load_quantized(model, path)
    with pytest.raises(UserError, match=r"without model\.keras"):
        load_quantized(tmp_path)


def test_calibration_without_images_and_of_other_images_is_refused(model, images):
    result = tformer_keras.quantize_aware(model)
    for batches, message in (
        ([], "at least one batch"),
        ([images[:, :8]], r"images of shape \(16, 16, 3\), received \(8, 16, 3\)"),
        ([np.full_like(images, np.nan)], "finite pixels"),
    ):
        with pytest.raises(UserError, match=message):
            result.calibrate(batches)
    with pytest.raises(UserError, match="calibrate or train it first"):
        result.weights_file("never.npz")


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_norms_that_do_not_fold_quantize_too(norm, randomise, images):
    model = randomise(
        build(
            "tformer_micro", input_shape=(16, 16, 3), classes=5, depths=(1, 0, 0, 0), norm=norm, stem_stride=2
        )
    )
    result = quantize_aware(model, rewrites="none")
    result.calibrate([images])
    received, expected = result.model(images).numpy(), np.asarray(model(images, training=False))
    assert np.corrcoef(received.ravel(), expected.ravel())[0, 1] > 0.9


def test_lowered_and_quantized_graphs_have_the_same_inputs(model, quantized):
    assert [tensor.name for tensor in quantized.model.inputs] == [t.name for t in lower(model).model.inputs]

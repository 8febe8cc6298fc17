"""Semantic FPN: the paper's parameters, logits against NumPy, and what is refused."""

import dataclasses
import math

import keras
import numpy as np
import pytest
from keras import ops

from tests.models.pyramid_reference import Pyramid
from tests.models.tiny_detectors import (
    BACKBONE,
    SEGMENTER,
    STEADY,
    arrays,
    features,
    images,
    segmenter,
    weights_of,
)
from tformer_keras.models import SEGMENTERS, SemanticFPN, SemanticFPNConfig
from tformer_keras.models.backbones import features_of
from tformer_keras.models.counting import count, without_values
from tformer_keras.models.output_maps import outputs_of, task_of
from tformer_keras.models.semantic_fpn import HEADS

EDGE = {name: value for name, value in HEADS["edge"].items() if name not in SEGMENTER}


@pytest.mark.parametrize(
    "variant,parameters",
    [
        ("semantic_fpn_tformer_s", 12_132_182),
        ("semantic_fpn_tformer_m", 18_070_358),
        ("semantic_fpn_tformer_l", 24_008_534),
    ],
)
def test_the_papers_parameters(variant, parameters):
    # The backbone's are counted by tests of its own; the rest by hand from MMSegmentation's layers.
    neck = sum(width * 256 + 256 for width in (64, 128, 320, 512)) + 4 * (9 * 256 * 256 + 256)
    # P2, P3: one convolution each; P4: two; P5: three; a BatchNorm behind each, and no biases.
    head = 4 * 9 * 256 * 128 + 3 * 9 * 128 * 128 + 7 * 2 * 128
    ends = 128 * 150 + 150
    backbone = without_values(lambda: features_of(SEGMENTERS[variant].backbone))
    assert count(backbone).parameters + neck + head + ends == parameters


def test_the_graph_has_the_papers_parameters():
    model = without_values(lambda: SemanticFPN("tformer_s", input_shape=(64, 64, 3)))
    assert count(model).parameters == 12_132_182


@pytest.mark.parametrize(
    "changes",
    [{}, {"neck_norm": "batch", "dropout": 0.0}, EDGE, {**EDGE, "neck_norm": None}],
    ids=["paper", "norms in the neck", "edge", "separable neck without norms"],
)
def test_equals_numpy(reference, randomise, changes):
    model = randomise(segmenter(**changes))
    limit = 6 if changes.get("activation") == "relu6" else math.inf
    expected = Pyramid(weights_of(model), reference.convolution, limit).semantic_fpn(features(model))
    (logits,) = arrays(model(images()))
    assert logits.shape == (2, 18, 13, 5) and logits.std() > 0.01
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_the_output_says_what_it_is():
    model = segmenter()
    (one,) = outputs_of(model)
    assert (one.name, one.kind, one.stride, one.anchors) == ("class_logits", "class_logits", 4, ())
    assert task_of(model) == "segmentation"


@pytest.mark.parametrize("head", HEADS)
def test_no_two_kernels_are_equal(head):
    model, seen = segmenter(head=head), {}
    for variable in model.weights:
        if variable.path.endswith("kernel") and (values := ops.convert_to_numpy(variable)).size > 1:
            start = tuple(np.sort(values.ravel())[:4])
            assert start not in seen, (variable.path, seen[start])
            seen[start] = variable.path
    assert len(seen) > 25


def test_one_training_step_moves_every_weight():
    model = segmenter(**EDGE, backbone=STEADY)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, run_eagerly=keras.backend.backend() == "tensorflow")
    before = {v.path: ops.convert_to_numpy(v).copy() for v in model.trainable_variables}
    model.train_on_batch(images(), np.random.default_rng(0).integers(0, 5, (2, 18, 13)))
    still = [
        v.path for v in model.trainable_variables if np.array_equal(before[v.path], ops.convert_to_numpy(v))
    ]
    assert still == []


@pytest.mark.parametrize("size", [(32, 32), (33, 95), (31, 30)])
def test_any_size(size):
    (logits,) = arrays(segmenter(input_shape=(*size, 3))(images(1, size)))
    assert logits.shape == (1, -(-size[0] // 4), -(-size[1] // 4), 5)


def test_an_open_size_of_multiples_of_32():
    model = segmenter(input_shape=(None, None, 3))
    fixed = segmenter(input_shape=(64, 96, 3))
    fixed.set_weights(model.get_weights())
    x = images(1, (64, 96))
    np.testing.assert_allclose(arrays(model(x))[0], arrays(fixed(x))[0], rtol=1e-4, atol=1e-5)


def test_without_a_word_about_training_nothing_trains():
    model = segmenter()
    without, inference = arrays(model(images())), arrays(model(images(), training=False))
    np.testing.assert_array_equal(without, inference)


def test_a_backbone_that_is_a_model_has_its_own_size():
    backbone = features_of(BACKBONE)
    assert SemanticFPN(backbone, **SEGMENTER).output_shape == (None, 18, 13, 5)
    with pytest.raises(ValueError, match="`input_shape` expected None beside a backbone that is a model"):
        SemanticFPN(features_of(BACKBONE), input_shape=(32, 32, 3), **SEGMENTER)


@pytest.mark.parametrize(
    "field,value",
    [
        ("classes", 1),
        ("classes", 2.0),
        ("neck_channels", 0),
        ("head_channels", True),
        ("neck_norm", "group"),
        ("activation", "silu"),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", float("nan")),
    ],
)
def test_a_value_out_of_range_is_named(field, value):
    with pytest.raises(ValueError, match=f"`{field}` expected .*, received "):
        SemanticFPNConfig(**{field: value})


def test_an_unknown_head():
    with pytest.raises(ValueError, match="`head` expected one of paper, edge, received 'other'"):
        SemanticFPN(BACKBONE, head="other")


def test_configurations_go_through_json():
    for config in SEGMENTERS.values():
        assert SemanticFPNConfig(**dataclasses.asdict(config)) == config


def test_a_file_gives_the_same_model(randomise, tmp_path):
    model = randomise(segmenter(**EDGE))
    model.save(tmp_path / "segmenter.keras")
    again = keras.saving.load_model(tmp_path / "segmenter.keras")
    assert outputs_of(again) == outputs_of(model)
    np.testing.assert_array_equal(arrays(again(images()))[0], arrays(model(images()))[0])

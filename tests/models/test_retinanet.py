"""RetinaNet: the paper's parameters, outputs against NumPy, a fresh model's scores, and what is refused."""

import dataclasses
import math

import keras
import numpy as np
import pytest
from keras import ops

from tests.models.pyramid_reference import Pyramid
from tests.models.tiny_detectors import (
    BACKBONE,
    DETECTOR,
    STEADY,
    arrays,
    detector,
    features,
    images,
    weights_of,
)
from tformer_edge.anchors import RATIOS, SCALES, of_retinanet
from tformer_keras.models import DETECTORS, RetinaNet, RetinaNetConfig, TFormerConfig
from tformer_keras.models.counting import count, without_values
from tformer_keras.models.output_maps import output_maps, outputs_of, task_of
from tformer_keras.models.retinanet import HEADS

EDGE = {name: value for name, value in HEADS["edge"].items() if name not in DETECTOR}


@pytest.mark.parametrize(
    "variant,parameters",
    [
        # Table 6 of the paper prints 18.12, 24.06 and 29.99 M in its text; counted by hand from MMDetection's layers.
        ("retinanet_tformer_s", 18_115_508),
        ("retinanet_tformer_m", 24_053_684),
        ("retinanet_tformer_l", 29_991_860),
    ],
)
def test_the_papers_parameters(variant, parameters):
    config = DETECTORS[variant]
    # The backbone's are counted by tests of its own and here taken off; the rest by hand.
    neck = sum(width * 256 + 256 for width in (128, 320, 512)) + 3 * (9 * 256 * 256 + 256)
    neck += 9 * 512 * 256 + 256 + 9 * 256 * 256 + 256
    towers = 2 * 4 * (9 * 256 * 256 + 256)
    ends = 9 * 256 * 9 * (80 + 4) + 9 * (80 + 4)
    from tformer_keras.models.backbones import features_of

    backbone = without_values(lambda: features_of(config.backbone))
    assert count(backbone).parameters + neck + towers + ends == parameters


@pytest.mark.graph_alone
def test_the_graph_has_the_papers_parameters():
    model = without_values(lambda: RetinaNet("tformer_s", input_shape=(64, 64, 3)))
    assert count(model).parameters == 18_115_508


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"levels": 3, "anchor_scales": 4, "output_kernel": 1},
        {"norm": "batch", "head_depth": 1, "levels": 4},
        EDGE,
        {**EDGE, "norm": None},
    ],
    ids=["paper", "three levels", "norms", "edge", "separable without norms"],
)
def test_equals_numpy(reference, randomise, changes):
    config = {"levels": 5, **DETECTOR, **changes}
    model = randomise(detector(**changes))
    limit = 6 if changes.get("activation") == "relu6" else math.inf
    pyramid = Pyramid(weights_of(model), reference.convolution, limit)
    expected = pyramid.retinanet(features(model), config["levels"], config["head_depth"])
    received = arrays(model(images()))
    assert len(received) == 2 * config["levels"]
    for actual, wanted in zip(received, expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-3, atol=1e-4 * max(np.abs(wanted).max(), 1))
        assert actual.std() > 0.01


def test_outputs_are_named_and_in_order():
    model = detector(anchor_scales=(3.0, 5.0), anchor_ratios=(0.5, 1, 2))
    maps = outputs_of(model)
    assert [one.name for one in maps] == [
        f"{kind}_p{n}" for n in range(3, 8) for kind in ("logits", "deltas")
    ]
    levels = of_retinanet((8, 16, 32, 64, 128), (3.0, 5.0), (0.5, 1, 2))
    for place, one in enumerate(maps):
        assert one.kind == ("logits", "deltas")[place % 2]
        assert (one.stride, one.anchors) == (levels[place // 2].stride, levels[place // 2].shapes)
        assert model.outputs[place].shape == (
            None,
            *one.map_size((70, 52)),
            6 * (3 if one.kind == "logits" else 4),
        )
    assert task_of(model) == "detection"


def test_a_fresh_models_scores_are_the_prior_and_its_deltas_nothing():
    keras.utils.set_random_seed(1)
    for changes in ({}, EDGE):
        model = detector(prior=0.02, **changes)
        outputs = arrays(model(images()))
        scores = np.concatenate([1 / (1 + np.exp(-y.ravel())) for y in outputs[0::2]])
        assert abs(np.median(scores) - 0.02) < 0.004 and scores.min() > 0.002 and scores.max() < 0.2
        assert max(np.abs(y).max() for y in outputs[1::2]) < 1.5
        assert max(np.abs(np.median(y)) for y in outputs[1::2]) < 0.2
        bias = ops.convert_to_numpy(model.get_layer("logits_conv").bias)
        np.testing.assert_allclose(bias, -math.log(0.98 / 0.02), rtol=1e-6)
        assert not ops.convert_to_numpy(model.get_layer("deltas_conv").bias).any()


@pytest.mark.parametrize("head", HEADS)
def test_no_two_kernels_are_equal(head):
    model = detector(head=head, **({"norm": "batch"} if head == "edge" else {}))
    seen = {}
    for variable in model.weights:
        if variable.path.endswith("kernel") and (values := ops.convert_to_numpy(variable)).size > 1:
            start = tuple(np.sort(values.ravel())[:4])
            assert start not in seen, (variable.path, seen[start])
            seen[start] = variable.path
    assert len(seen) > 20


def test_levels_share_the_heads_kernels_and_have_norms_of_their_own():
    model = detector(head="edge", norm="batch")
    shared = model.get_layer("logits_tower1_pointwise")
    assert len(shared._inbound_nodes) == 5
    names = {layer.name for layer in model.layers}
    assert {f"deltas_tower2_norm_p{level}" for level in range(3, 8)} <= names


def test_one_training_step_moves_every_weight():
    model = detector(backbone=STEADY, head="edge", norm="batch", anchor_scales=4, input_shape=(140, 104, 3))
    model.compile("adam", "mse", run_eagerly=keras.backend.backend() == "tensorflow")
    before = {v.path: ops.convert_to_numpy(v).copy() for v in model.trainable_variables}
    rng = np.random.default_rng(0)
    x = images(2, (140, 104))  # P7 of several cells: two alone would cancel each other in its norms
    truth = [rng.normal(size=(2, *y.shape[1:])).astype("float32") for y in model.outputs]
    model.train_on_batch(x, truth)
    still = [
        v.path for v in model.trainable_variables if np.array_equal(before[v.path], ops.convert_to_numpy(v))
    ]
    assert still == []


@pytest.mark.parametrize("size", [(32, 32), (33, 95), (96, 64)])
def test_any_size(size):
    model = detector(input_shape=(*size, 3), levels=3)
    for one, output in zip(output_maps(model), arrays(model(images(1, size))), strict=True):
        assert output.shape[1:3] == (-(-size[0] // one.stride), -(-size[1] // one.stride))


def test_an_open_size_of_multiples_of_32():
    model = detector(input_shape=(None, None, 3))
    fixed = detector(input_shape=(64, 96, 3))
    fixed.set_weights(model.get_weights())
    x = images(1, (64, 96))
    for given, wanted in zip(arrays(model(x)), arrays(fixed(x)), strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5)


def test_a_keras_model_as_backbone(randomise):
    inputs = x = keras.Input((64, 48, 3))
    maps = []
    for stride in (4, 2, 2, 2):
        x = keras.layers.Conv2D(6, 3, stride, padding="same", activation="relu")(x)
        maps.append(x)
    backbone = keras.Model(inputs, maps, name="mine")
    model = randomise(RetinaNet(backbone, **DETECTOR))
    assert [y.shape[1:3] for y in model.outputs[0::2]] == [(8, 6), (4, 3), (2, 2), (1, 1), (1, 1)]
    assert all(np.isfinite(y).all() for y in arrays(model(images(1, (64, 48)))))
    with pytest.raises(ValueError, match="`input_shape` expected None beside a backbone that is a model"):
        RetinaNet(backbone, input_shape=(32, 32, 3), **DETECTOR)
    with pytest.raises(ValueError, match="four feature maps at strides 4, 8, 16 and 32"):
        RetinaNet(keras.Model(inputs, maps[:3]), **DETECTOR)
    with pytest.raises(ValueError, match="four feature maps at strides 4, 8, 16 and 32"):
        RetinaNet(keras.Model(inputs, [maps[0], *maps[:3]]), **DETECTOR)


@pytest.mark.parametrize(
    "field,value",
    [
        ("classes", 0), ("classes", True), ("classes", 2.0), ("neck_channels", 0), ("head_channels", -1),
        ("head_depth", 0), ("norm", "layer"), ("activation", "gelu"), ("output_kernel", 2), ("levels", 2),
        ("levels", 6), ("anchor_scales", ()), ("anchor_scales", (1, 0)), ("anchor_ratios", (-1,)),
        ("anchor_ratios", (float("nan"),)), ("anchor_scales", (float("inf"),)), ("prior", 0), ("prior", 1.0),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_named(field, value):
    with pytest.raises(ValueError, match=f"`{field}` expected .*, received "):
        RetinaNetConfig(**{field: value})


def test_unknown_heads_and_backbones():
    with pytest.raises(ValueError, match="`head` expected one of paper, edge, received 'other'"):
        RetinaNet(BACKBONE, head="other")
    with pytest.raises(ValueError, match="`backbone` expected one of tformer_s, .*, received 'resnet'"):
        RetinaNet("resnet")
    with pytest.raises(ValueError, match="`backbone` expected 4 stages, received 2"):
        RetinaNet(dataclasses.replace(BACKBONE, depths=(1, 1), widths=(8, 8)))


def test_configurations_go_through_json():
    for config in DETECTORS.values():
        assert RetinaNetConfig(**dataclasses.asdict(config)) == config
    assert isinstance(RetinaNetConfig(dataclasses.asdict(BACKBONE)).backbone, TFormerConfig)
    assert (RetinaNetConfig().anchor_scales, RetinaNetConfig().anchor_ratios) == (SCALES, RATIOS)


def test_a_file_gives_the_same_model(randomise, tmp_path):
    model = randomise(detector(head="edge", norm="batch"))
    model.save(tmp_path / "detector.keras")
    again = keras.saving.load_model(tmp_path / "detector.keras")
    assert outputs_of(again) == outputs_of(model)
    for given, wanted in zip(arrays(again(images())), arrays(model(images())), strict=True):
        np.testing.assert_array_equal(given, wanted)

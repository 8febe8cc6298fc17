"""RetinaNet and Semantic FPN: the paper's sizes, shapes at any input, heads, backbones, what outputs say."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

import tformer_keras
from tformer_edge.anchors import of_retinanet
from tformer_edge.errors import UserError
from tformer_keras.layers import OutputMap
from tformer_keras.models import TFormerConfig, build
from tformer_keras.models.families import CONFIGS, build_config, changed, field_names, task_of_config
from tformer_keras.models.output_maps import outputs_of, task_of

SMALL = TFormerConfig(
    depths=(1, 1, 1, 1),
    width=0.125,
    kernels=(3, 5),
    input_shape=(64, 96, 3),
    layer_scale=None,
    stochastic_depth=0.0,
)
EDGE = {"head": "edge", "neck_channels": 16, "head_channels": 8}

# Counted from the graphs; the paper's Tables 6 and 7 print 18, 24, 30 and 12, 18, 24 million.
SIZES = [
    ("RetinaNet", "tformer_s", 18_115_508),
    ("RetinaNet", "tformer_m", 24_053_684),
    ("RetinaNet", "tformer_l", 29_991_860),
    ("SemanticFPN", "tformer_s", 12_132_182),
    ("SemanticFPN", "tformer_m", 18_070_358),
    ("SemanticFPN", "tformer_l", 24_008_534),
]


@pytest.mark.parametrize(("family", "backbone", "parameters"), SIZES)
def test_the_papers_parameters(family: str, backbone: str, parameters: int) -> None:
    model = getattr(tformer_keras, family)(backbone, input_shape=(32, 32, 3))
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == parameters


def detector(**options) -> keras.Model:
    return tformer_keras.RetinaNet(SMALL, 5, **{**EDGE, **options})


def segmenter(**options) -> keras.Model:
    return tformer_keras.SemanticFPN(SMALL, 5, **{**EDGE, **options})


@pytest.mark.parametrize("size", [(64, 96), (90, 50), (33, 65)])
@pytest.mark.parametrize("make", [detector, segmenter])
def test_maps_cover_any_input(make, size: tuple[int, int]) -> None:
    model = make(input_shape=(*size, 3))
    strides = [one.stride for one in outputs_of(model)]
    for output, stride in zip(model(np.zeros((1, *size, 3), np.float32)), strides, strict=False):
        if make is detector:
            assert tuple(output.shape[1:3]) == tuple(-(-side // stride) for side in size)
    assert [tuple(output.shape[1:3]) for output in model.outputs] == [
        tuple(-(-side // stride) for side in size) for stride in strides
    ]


@pytest.mark.parametrize("make", [detector, segmenter])
@pytest.mark.parametrize("head", ["paper", "edge"])
def test_no_two_kernels_are_equal(make, head: str) -> None:
    """An initializer that two layers share gives them equal kernels in Keras 3."""
    kernels = [
        ops.convert_to_numpy(weight)
        for weight in make(head=head).trainable_weights
        if "kernel" in weight.path and weight.shape[-1] > 1
    ]
    shapes = [kernel.shape for kernel in kernels]
    assert len(shapes) > len(set(shapes))  # some are of one shape
    for place, one in enumerate(kernels):
        for other in kernels[place + 1 :]:
            assert one.shape != other.shape or not np.array_equal(one, other)


def test_a_fresh_detector_scores_everything_as_its_prior() -> None:
    model = detector(prior=0.02)
    logits, deltas = model(np.random.default_rng(0).normal(size=(1, 64, 96, 3)).astype("float32"))[:2]
    scores = 1 / (1 + np.exp(-ops.convert_to_numpy(logits)))
    assert np.abs(scores - 0.02).max() < 0.01 and np.abs(ops.convert_to_numpy(deltas)).max() < 0.3


def test_outputs_say_what_they_are_through_a_file(tmp_path) -> None:
    model = detector(anchor_scales=(3.0,), levels=3)
    model.save(tmp_path / "d.keras")
    again = keras.saving.load_model(tmp_path / "d.keras")
    names = [f"{kind}_p{level}" for level in (3, 4, 5) for kind in ("logits", "deltas")]
    levels = of_retinanet((8, 16, 32), (3.0,))
    for one in (model, again):
        said = outputs_of(one)
        assert [output.name for output in said] == names and task_of(one) == "detection"
        assert [output.level for output in said[::2]] == list(levels)
    assert task_of(segmenter()) == "segmentation"
    assert task_of(build("tformer_micro", input_shape=(32, 32, 3))) == "classification"
    assert outputs_of(build("tformer_micro", input_shape=(32, 32, 3))) == ()


def test_a_head_is_shared_and_its_norms_are_not() -> None:
    model = detector()
    towers = [layer.name for layer in model.layers if "tower1" in layer.name]
    assert sum("depthwise" in name for name in towers) == 2  # logits and deltas, each for all levels
    assert sum("norm" in name for name in towers) == 10


@pytest.mark.parametrize("make", [detector, segmenter])
def test_any_model_of_four_maps_is_a_backbone(make) -> None:
    inputs = x = keras.Input((64, 64, 3))
    maps = []
    for stride, filters in ((4, 8), (2, 12), (2, 16), (2, 20)):
        x = keras.layers.Conv2D(filters, 3, stride, padding="same")(x)
        maps.append(x)
    family = tformer_keras.RetinaNet if make is detector else tformer_keras.SemanticFPN
    model = family(keras.Model(inputs, maps), 3, "edge")
    assert model.input_shape == (None, 64, 64, 3) and isinstance(model.layers[-1], OutputMap)
    with pytest.raises(ValueError, match="four feature maps"):
        family(keras.Model(inputs, maps[:3]), 3)


@pytest.mark.parametrize("make", [detector, segmenter])
def test_a_classifiers_weights_fill_the_backbone(make, tmp_path) -> None:
    classifier = tformer_keras.TFormer(SMALL)
    classifier.save(tmp_path / "c.keras")
    model = make(weights=str(tmp_path / "c.keras"))
    for layer in classifier.layers:
        if layer.weights and not layer.name.startswith("head_"):
            for one, other in zip(
                layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True
            ):
                np.testing.assert_array_equal(one, other)
    other = tformer_keras.TFormer(dataclasses.replace(SMALL, width=0.25))
    other.save(tmp_path / "o.keras")
    with pytest.raises(UserError, match="weights of the backbone"):
        make(weights=str(tmp_path / "o.keras"))


@pytest.mark.parametrize(("make", "change"), [
    (detector, {"head": "huge"}), (detector, {"levels": 2}), (detector, {"prior": 0}), (detector, {"classes": 0}),
    (detector, {"anchor_scales": ()}), (detector, {"anchor_ratios": (0,)}), (detector, {"norm": "layer"}),
    (detector, {"output_kernel": 5}), (segmenter, {"dropout": 1.0}), (segmenter, {"neck_norm": "group"}),
    (segmenter, {"head_channels": 0}), (segmenter, {"activation": "gelu"}),
])  # fmt: skip
def test_arguments_out_of_range_are_refused(make, change: dict) -> None:
    options = {"classes": 5, **EDGE, **change}
    family = tformer_keras.RetinaNet if make is detector else tformer_keras.SemanticFPN
    with pytest.raises(ValueError, match=f"`{next(iter(change))}` expected"):
        family(SMALL, **options)


def test_variants_are_built_by_name_and_changed_by_field() -> None:
    for name, config in CONFIGS.items():
        assert field_names(config) and task_of_config(config) in (
            "classification",
            "detection",
            "segmentation",
        )
        assert name
    config = changed(
        CONFIGS["detector_tiny"], {"classes": 3, "backbone.width": 0.5, "input_shape": (32, 32, 3)}
    )
    model = build_config(config, "small")
    assert [tuple(output.shape) for output in model.outputs][:2] == [(None, 4, 4, 9), (None, 4, 4, 12)]
    assert model.get_layer("stage1_patch").filters == 32
    segmented = build_config(changed(CONFIGS["segmenter_tiny"], {"classes": 3}), "small")
    assert segmented.output_shape == (None, 24, 24, 3)


def test_a_configuration_survives_json() -> None:
    for config in (CONFIGS["detector_micro"], CONFIGS["segmenter_micro"]):
        assert type(config)(**dataclasses.asdict(config)) == config

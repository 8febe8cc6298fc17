"""A lowered graph equals its Keras 3 model, on random norms, LayerScales and biases (at 1e-5 a branch would vanish)."""

from collections import Counter

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from tformer_edge.errors import UserError
from tformer_keras.deploy.graph.lower import REWRITES, TARGETS, lower
from tformer_keras.deploy.graph.nodes import Node
from tformer_keras.deploy.graph.rules import register_rule
from tformer_keras.deploy.graph.rules.registry import _RULES
from tformer_keras.models import build

TOLERANCE = 1e-4  # of the output's range


def tiny(variant="tformer_micro", **overrides):
    settings = {"input_shape": (32, 40, 3), "classes": 7, "depths": (1, 1, 0, 0), "stem_kernel": 3}
    return build(variant, **{**settings, "stem_stride": 2, "layer_scale": 0.5, **overrides})


def operations(lowered):
    return Counter(node.operation for node in lowered.graph.nodes.values())


ABLATIONS = {
    "plain": {},
    "features": {"features_only": True, "input_shape": (33, 47, 3), "depths": (2, 1, 0, 0)},
    "no top": {"include_top": False, "pooling": "max"},
    "scores": {"classifier_activation": "softmax"},
    "groups 4": {"groups": 4},
    "groups 8, odd shares": {"groups": 8, "width": 0.375},
    "one group": {"groups": 1},
    "standard FFN": {"ffn": "standard", "expansion": 2},
    "ghost FFN": {"ffn": "ghost", "ghost_ratio": 4},
    "averages": {"operators": ("average",)},
    "maxima": {"operators": ("max",), "kernels": (3, 7)},
    "maxima first": {"operators": ("max", "average"), "kernels": (1, 5, 13, 3)},
    "poolformer": {"token_mixer": "pooling", "ffn": "standard"},
    "layer norm": {"norm": "layer"},
    "group norm": {"norm": "group"},
    "no LayerScale": {"layer_scale": None},
    "deep stem": {"stem_widths": (16, 24), "stem_stride": (1, 2, 1)},
    "gelu": {"activation": "gelu"},
    "relu": {"activation": "relu"},
    "relu6": {"activation": "relu6"},
    "hard swish": {"activation": "hard_swish"},
}


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_ablation_equals_its_model(name, randomise, largest_difference):
    model = randomise(tiny(**ABLATIONS[name]))
    assert largest_difference(model, lower(model).model) < TOLERANCE


def test_tformer_s_in_full_depth_equals_its_model(randomise, largest_difference):
    model = randomise(build("tformer_s", input_shape=(48, 33, 3), width=0.25, classes=5))
    assert largest_difference(model, lower(model).model) < TOLERANCE


@pytest.mark.parametrize("left_out", [None, *REWRITES])
@pytest.mark.parametrize("alone", [False, True])
def test_every_rewrite_alone_and_left_out(left_out, alone, randomise, largest_difference):
    model = randomise(tiny())
    if left_out is None:
        names = "all" if alone else "none"
    else:
        names = [name for name in REWRITES if (name == left_out) == alone]
    lowered = lower(model, rewrites=names)
    assert largest_difference(model, lowered.model) < TOLERANCE
    assert set(lowered.rewrites) == set(
        TARGETS["litert"] if names == "all" else () if names == "none" else names
    )


def test_the_micro_target_equals_its_model(randomise, largest_difference):
    model = randomise(tiny(depths=(1, 1, 1, 1)))
    lowered = lower(model, target="micro")
    assert lowered.rewrites == TARGETS["micro"]
    counts = operations(lowered)
    # A pair of depthwise convolutions, a pool for each share of maxima, one concatenation of all shares and one of the
    # FFN's halves a block; a patch embedding a stage, a pointwise, two expanding and two projecting convolutions a
    # block; a convolution in the place of the dense layer.
    assert counts["depthwise"] == 2 * 4 and counts["max_pool"] == 5 * 4 and counts["concatenate"] == 2 * 4
    assert counts["convolution"] == 4 + 5 * 4 + 1 and counts["dense"] == 0 and counts["reshape"] == 1
    assert max(len(node.inputs) for node in lowered.graph.nodes.values()) == 6
    # Slices are of the whole stream, so that they become one split.
    slices = [node for node in lowered.graph.nodes.values() if node.operation == "slice"]
    assert len(slices) == 6 * 4 and all(lowered.graph[node.inputs[0]].operation != "slice" for node in slices)
    assert sum("split" in layer.name for layer in lowered.model.layers) == 4
    assert largest_difference(model, lowered.model) < TOLERANCE


@pytest.mark.parametrize("name", list(ABLATIONS))
def test_the_micro_target_of_every_ablation(name, randomise, largest_difference):
    model = randomise(tiny(**ABLATIONS[name]))
    assert largest_difference(model, lower(model, target="micro").model) < TOLERANCE


@settings(max_examples=8)
@given(
    operators=st.sampled_from([("average", "max"), ("max", "average"), ("max",)]),
    kernels=st.lists(st.sampled_from([1, 3, 5, 7, 9, 11, 13]), min_size=1, max_size=4, unique=True),
    groups=st.sampled_from([1, 2, 4]),
    side=st.tuples(st.integers(9, 24), st.integers(9, 24)),
    rewrites=st.sets(st.sampled_from(sorted(REWRITES))),
    seed=st.integers(0, 1000),
)
def test_any_configuration_and_any_set_of_rewrites(
    operators, kernels, groups, side, rewrites, seed, randomise, largest_difference
):
    model = tiny(
        operators=operators,
        kernels=tuple(kernels),
        groups=groups,
        input_shape=(*side, 3),
        depths=(1, 0, 0, 0),
    )
    randomise(model, seed)
    assert largest_difference(model, lower(model, rewrites=rewrites).model, seed=seed) < TOLERANCE


def test_all_rewrites_leave_plain_convolutions_and_no_norm(randomise):
    lowered = lower(randomise(tiny(depths=(2, 2, 0, 0), activation="relu")))
    counts = operations(lowered)
    assert set(counts) == {
        "input", "reshape", "pad", "convolution", "depthwise", "scale_by", "max_pool", "slice", "concatenate",
        "add", "global_average", "dense",
    }  # fmt: skip
    convolutions = [node for node in lowered.graph.nodes.values() if node.operation == "convolution"]
    assert all(node.attributes["groups"] == 1 for node in convolutions)
    # Slices are of poolings only: five max shares a block. On so small maps averages of all sizes go together.
    assert counts["slice"] == 5 * 4
    assert counts["depthwise"] == 2 * 4
    assert max(len(node.inputs) for node in lowered.graph.nodes.values()) <= 5
    assert lowered.notes == ()


def test_narrow_averages_work_on_blocks_of_a_row(randomise, largest_difference):
    """Four pixels of 12 channels (three shares of 4) fill three vectors, eight of 4 channels two."""
    pools = {"operators": ("average",), "kernels": (3, 5, 9, 11)}
    model = tiny(input_shape=(260, 32, 3), depths=(0, 1, 0, 0), widths=(16, 16, 8, 8), width=1.0, **pools)
    randomise(model)
    lowered = lower(model)
    shapes = {
        node.name.split(".", 1)[1]: (node.operation, node.shape[1:], node.weights["kernel"].shape[:2])
        for node in lowered.graph.nodes.values()
        if ".run" in node.name and node.weights
    }
    assert shapes == {
        "run0.rows.sums": ("depthwise", (2, 48), (9, 1)),
        "run0.columns": ("depthwise", (8, 12), (1, 9)),
        "run1.rows.sums": ("depthwise", (2, 16), (11, 1)),
        "run1.columns.sums": ("convolution", (2, 16), (1, 5)),
    }
    assert largest_difference(model, lowered.model) < TOLERANCE


def test_stock_form_keeps_the_layers(randomise):
    counts = operations(lower(randomise(tiny()), rewrites="none"))
    assert counts["average_pool"] == counts["max_pool"] == 10
    assert counts["shuffle"] == 2 and counts["depthwise"] == 0
    # Of two blocks the two norms (a factor and an offset each) and two LayerScales, and the head's norm.
    assert counts["affine"] == 2 * (2 * 2 + 2) + 2


def test_a_negative_gamma_before_max_pooling_is_not_folded_and_noted(randomise, largest_difference):
    model = randomise(tiny())
    norm = model.get_layer("stage1_block1_mixer_norm")
    gamma = np.array(norm.gamma)
    gamma[-1] *= -1
    norm.gamma.assign(gamma)
    lowered = lower(model)
    assert largest_difference(model, lowered.model) < TOLERANCE
    (note,) = lowered.notes
    assert "stage1_block1_mixer_norm" in note and "negative" in note
    assert operations(lowered)["affine"] == 2
    # Of the average half, a negative factor folds.
    gamma[-1] *= -1
    gamma[0] *= -1
    norm.gamma.assign(gamma)
    assert lower(model).notes == ()
    assert largest_difference(model, lower(model).model) < TOLERANCE


def users_model():
    """Layers of all kinds, a nested model, a layer that is called twice, two inputs' worth of branches, two outputs."""
    inputs = layers.Input((20, 24, 3), name="picture")
    x = layers.Rescaling(1 / 3, offset=0.1)(inputs)
    x = layers.ZeroPadding2D(((1, 0), (0, 2)))(x)
    x = layers.Conv2D(8, 3, strides=2, activation="relu", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.ReLU(6.0)(x)
    inner_input = layers.Input(x.shape[1:])
    y = layers.Conv2D(16, 1, groups=4, activation="hard_swish")(inner_input)
    y = layers.Dropout(0.5)(layers.Dense(16, activation="sigmoid")(y))
    inner = keras.Model(inner_input, layers.Multiply()([inner_input, y]), name="gate")
    x = layers.Add()([inner(x), x, x])
    shared = layers.Conv2D(6, 3, padding="same", name="shared")
    small = layers.MaxPooling2D(2)(x)
    pooled = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    fine, coarse = shared(x), shared(small)
    up = layers.UpSampling2D(interpolation="bilinear")(coarse)
    up = layers.Resizing(fine.shape[1], fine.shape[2])(up)
    maps = layers.Concatenate()([fine, layers.Subtract()([up, fine]), layers.LayerNormalization()(fine)])
    maps = layers.GroupNormalization(3)(maps)
    masks = layers.Activation("softmax", name="masks")(layers.Conv2D(4, 1, dilation_rate=1)(maps))
    vector = layers.Concatenate()([layers.GlobalAveragePooling2D()(pooled), layers.GlobalMaxPooling2D()(x)])
    vector = layers.Dense(5, activation="tanh")(layers.Reshape((32,))(layers.Reshape((2, 16))(vector)))
    return keras.Model(inputs, [masks, layers.Flatten()(vector)], name="users")


@pytest.mark.parametrize("rewrites", ["all", "none"])
def test_a_users_own_model(rewrites, largest_difference):
    keras.utils.set_random_seed(1)
    model = users_model()
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.moving_variance.shape))
    lowered = lower(model, rewrites=rewrites)
    assert largest_difference(model, lowered.model, batch=3) < TOLERANCE
    assert any("GroupNormalization" in note for note in lowered.notes)
    assert [weight.name for weight in lowered.model.weights].count("shared/kernel:0") <= 1


def test_a_norm_behind_a_shared_convolution_is_folded_into_its_call_alone(largest_difference):
    inputs = layers.Input((8, 8, 4))
    shared = layers.Conv2D(4, 3, padding="same")
    norm = layers.BatchNormalization()
    outputs = layers.Add()([norm(shared(inputs)), layers.ReLU()(shared(layers.MaxPooling2D(1)(inputs)))])
    model = keras.Model(inputs, outputs)
    norm.moving_mean.assign([1.0, 2.0, -1.0, 0.5])
    norm.moving_variance.assign([4.0, 0.25, 1.0, 2.0])
    lowered = lower(model)
    assert largest_difference(model, lowered.model) < TOLERANCE
    assert operations(lowered)["affine"] == 0


class Unknown(layers.Layer):
    def call(self, inputs):
        return inputs * 2


def single_layer_model(layer, shape=(8, 8, 4)):
    inputs = layers.Input(shape)
    return keras.Model(inputs, layer(inputs), name="single")


def test_a_layer_without_a_rule_is_named_and_a_rule_helps(largest_difference):
    model = single_layer_model(Unknown(name="mystery"))
    with pytest.raises(
        UserError,
        match="'mystery': expected a layer with a lowering rule, received one of class .*Unknown; register",
    ):
        lower(model)

    @register_rule(Unknown)
    def lower_unknown(call):
        return call.graph.add(
            Node("scale_by", call.name, call.inputs, call.shape, {"value": 2.0}, tensor=call.name)
        )

    try:
        assert largest_difference(model, lower(model).model) == 0
    finally:
        del _RULES[Unknown]


@pytest.mark.parametrize(
    "make,message",
    [
        (lambda: single_layer_model(layers.ReLU(), (None, 8, 4)), "fixed height and width"),
        (lambda: single_layer_model(layers.Conv2D(4, 3, data_format="channels_first")), "channels_last"),
        (lambda: single_layer_model(layers.ReLU(threshold=1.0)), "no threshold"),
        (lambda: single_layer_model(layers.Activation("softplus")), "softplus, which has no lowering"),
        (lambda: keras.Sequential([layers.Dense(3)]), "functional or built sequential"),
        (lambda: "model.keras", "received a str"),
    ],
)  # fmt: skip
def test_what_cannot_be_lowered_is_refused_in_one_sentence(make, message):
    with pytest.raises(UserError, match=message):
        lower(make())


def test_weights_that_are_not_finite_are_refused(randomise):
    model = randomise(tiny())
    layer = model.get_layer("stage1_patch")
    kernel = np.array(layer.kernel)
    kernel[0, 0, 0, 0] = np.nan
    layer.kernel.assign(kernel)
    with pytest.raises(
        UserError, match="stage1_patch/kernel of 'tformer_micro', which holds NaN or infinity"
    ):
        lower(model)


def test_unknown_targets_and_rewrites_are_refused():
    with pytest.raises(UserError, match="target: expected one of litert, micro, received 'tpu'"):
        lower(tiny(), target="tpu")
    with pytest.raises(UserError, match="names among fold_norms.* received 'faster'"):
        lower(tiny(), rewrites=["faster"])


def test_a_sequential_model_lowers(largest_difference):
    model = keras.Sequential(
        [layers.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)]
    )
    assert largest_difference(model, lower(model).model) < TOLERANCE

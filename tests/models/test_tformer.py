"""TFormer's models: the paper's sizes, the variants, shapes at any input, ablations."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

import tformer_keras
from tformer_keras import layers
from tformer_keras.models import VARIANTS, TFormer
from tformer_keras.models.counting import count
from tformer_keras.models.tformer_checks import FFNS, NORMS, TOKEN_MIXERS

SMALL = {"input_shape": (32, 32, 3), "classes": 5}


def micro(**overrides) -> keras.Model:
    return tformer_keras.TFormerMicro(**{**SMALL, **overrides})


def images(*size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(2, *size, 3)).astype("float32")


def run(model: keras.Model, x: np.ndarray, **arguments) -> np.ndarray:
    return ops.convert_to_numpy(model(x, **arguments))


def of_class(model: keras.Model, kind: type) -> list:
    return [layer for layer in model.layers if isinstance(layer, kind)]


# Counted sizes, to the last printed digit; the paper's own figures in the comments.

SIZES = [
    ("tformer_s", {}, "8.380", "1.220"),  # paper: 8.4 M, 1.2 G
    ("tformer_m", {}, "14.318", "2.207"),  # 14, 2.2
    ("tformer_l", {}, "20.256", "3.195"),  # 20, 3.2
    # Table 3.
    ("tformer_s", {"groups": 4}, "6.020", "0.825"),
    ("tformer_s", {"groups": 1}, "13.10", "2.01"),
    ("tformer_s", {"ffn": "standard", "expansion": 1}, "6.010", "0.825"),
    ("tformer_s", {"ffn": "standard", "expansion": 2}, "8.373", "1.220"),
    ("tformer_s", {"ffn": "ghost", "ghost_ratio": 4}, "6.13", "0.86"),
    ("tformer_s", {"ffn": "ghost", "ghost_ratio": 2}, "8.45", "1.24"),
    # PoolFormer's paper, table 1.
    ("poolformer_s12", {}, "11.9", "1.8"),
    ("poolformer_s24", {}, "21.4", "3.4"),
]


@pytest.mark.graph_alone
@pytest.mark.parametrize("variant,overrides,parameters,macs", SIZES)
def test_sizes_to_the_printed_digit(built, variant, overrides, parameters, macs):
    size = count(built(variant, **overrides))
    digits = [len(text.split(".")[1]) for text in (parameters, macs)]
    assert (f"{size.parameters / 1e6:.{digits[0]}f}", f"{size.macs / 1e9:.{digits[1]}f}") == (
        parameters,
        macs,
    )


@pytest.mark.graph_alone
@pytest.mark.parametrize("ratio,parameters,macs", [(4, 6.2, 0.87), (2, 8.5, 1.3)])
def test_the_ghost_rows_are_within_one_unit_of_the_papers_last_digit(built, ratio, parameters, macs):
    size = count(built("tformer_s", ffn="ghost", ghost_ratio=ratio))
    unit = 0.01 if ratio == 4 else 0.1
    assert abs(round(size.parameters / 1e6, 1) - parameters) < 0.1 + 1e-9
    assert abs(round(size.macs / 1e9, 2 if ratio == 4 else 1) - macs) < unit + 1e-9


# The table of variants.


@pytest.mark.graph_alone
@pytest.mark.parametrize("variant", VARIANTS)
def test_each_variant_is_what_its_configuration_says(built, variant):
    config, model = VARIANTS[variant], built(variant)
    assert model.name == variant
    assert model.input_shape == (None, *config.input_shape) and model.output_shape == (None, config.classes)
    for stage, depth in enumerate(config.depths, 1):
        blocks = {
            layer.name.split("_")[1] for layer in model.layers if layer.name.startswith(f"stage{stage}_block")
        }
        assert blocks == {f"block{i}" for i in range(1, depth + 1)}
        side = config.input_shape[0] // 2 ** (stage + 1)
        width = round(config.widths[stage - 1] * config.width)
        assert model.get_layer(f"stage{stage}_block{depth}_ffn_add").output.shape == (None, side, side, width)
    scales = of_class(model, layers.LayerScale)
    assert len(scales) == 2 * sum(config.depths)
    assert {scale.initial_value for scale in scales} == {config.layer_scale}
    rates = np.linspace(0, config.stochastic_depth, sum(config.depths)).repeat(2)
    drops = of_class(model, layers.StochasticDepth)
    np.testing.assert_allclose([drop.rate for drop in drops], rates[rates > 0])
    assert not of_class(model, keras.Model), "the graph is flat: a tool can walk it"


def test_the_four_functions_build_their_variants():
    for function, variant in [
        ("TFormerS", "s"),
        ("TFormerM", "m"),
        ("TFormerL", "l"),
        ("TFormerMicro", "micro"),
    ]:
        changes = {"depths": (1, 0, 0, 0), "input_shape": (8, 8, 3)}
        model = getattr(tformer_keras, function)(name="mine", **changes)
        assert model.name == "mine"
        same = TFormer(dataclasses.replace(VARIANTS[f"tformer_{variant}"], **changes), "mine")
        assert model.get_config() == same.get_config()


def test_the_defaults_that_the_paper_leaves_open():
    large, small = VARIANTS["tformer_l"], VARIANTS["tformer_s"]
    assert (small.layer_scale, small.stochastic_depth) == (1e-5, 0.1)
    assert (VARIANTS["tformer_m"].layer_scale, VARIANTS["tformer_m"].stochastic_depth) == (1e-5, 0.1)
    assert (large.layer_scale, large.stochastic_depth) == (1e-6, 0.2)
    assert (small.norm, small.activation, small.classifier_activation) == ("batch", "quick_gelu", None)


def test_only_the_norms_before_pooling_keep_gamma_from_going_negative(built):
    for layer in of_class(built("tformer_micro"), keras.layers.BatchNormalization):
        assert isinstance(layer.gamma_constraint, keras.constraints.NonNeg) == layer.name.endswith(
            "mixer_norm"
        )


def test_channels_are_split_by_operator_then_by_kernel(built):
    pools = {pool.input.shape[-1]: pool for pool in of_class(built("tformer_s"), layers.HybridPooling)}
    assert set(pools) == {64, 128, 320, 512}
    kernels = (3, 5, 7, 9, 11)
    expected = [("average", k, n) for k, n in zip(kernels, (7, 7, 6, 6, 6), strict=True)]
    expected += [("max", k, n) for k, n in zip(kernels, (7, 7, 6, 6, 6), strict=True)]
    assert pools[64].shares(64) == expected
    assert [n for *_, n in pools[512].shares(512)] == [52, 51, 51, 51, 51] * 2


# Shapes.


@pytest.mark.parametrize("size", [(64, 64), (50, 37), (33, 31), (32, 160), (7, 5), (1, 1)])
@pytest.mark.parametrize("known", [True, False])
def test_any_input_size(size, known):
    shape = (*size, 3) if known else (None, None, 3)
    model = micro(input_shape=shape, features_only=True, depths=(1, 1, 0, 1))
    x = images(*size)
    outputs = model(x)
    assert len(outputs) == 4
    for output, symbolic, stride, width in zip(
        outputs, model.outputs, (4, 8, 16, 32), (16, 32, 80, 128), strict=True
    ):
        expected = (-(-size[0] // stride), -(-size[1] // stride), width)
        assert tuple(output.shape) == (2, *expected)
        assert symbolic.shape == (None, *(expected if known else (None, None, width)))


def test_one_model_of_unknown_size_takes_many():
    model = micro(input_shape=(None, None, 3))
    weights = model.get_weights()
    for size in [(32, 32), (40, 21)]:
        fixed = micro(input_shape=(*size, 3))
        fixed.set_weights(weights)
        x = images(*size)
        np.testing.assert_allclose(run(model, x), run(fixed, x), rtol=1e-4, atol=1e-6)


def test_no_top_and_its_pooling(randomise):
    headless = randomise(micro(include_top=False, input_shape=(40, 56, 3)))
    x = images(40, 56)
    features = run(headless, x)
    assert headless.output_shape == (None, 2, 2, 128) and features.shape == (2, 2, 2, 128)
    for pooling, expected in (("avg", features.mean((1, 2))), ("max", features.max((1, 2)))):
        pooled = micro(include_top=False, pooling=pooling, input_shape=(40, 56, 3))
        pooled.set_weights(headless.get_weights())
        assert pooled.output_shape == (None, 128)
        np.testing.assert_allclose(run(pooled, x), expected, rtol=1e-4, atol=1e-5)


def test_features_are_those_of_the_classifier(randomise):
    model = randomise(micro())
    features = micro(features_only=True)
    features.set_weights(model.get_weights()[: len(features.weights)])
    last = ("stage1_block1", "stage2_block1", "stage3_block2", "stage4_block1")
    inside = keras.Model(model.input, [model.get_layer(f"{name}_ffn_add").output for name in last])
    x = images(32, 32)
    for actual, expected in zip(features(x), inside(x), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(actual), ops.convert_to_numpy(expected))


def test_softmax_scores_are_those_of_the_logits(randomise):
    logits, scores = micro(), micro(classifier_activation="softmax")
    scores.set_weights(randomise(logits).get_weights())
    x = images(32, 32)
    expected = np.exp(run(logits, x)) / np.exp(run(logits, x)).sum(1, keepdims=True)
    np.testing.assert_allclose(run(scores, x), expected, rtol=1e-4, atol=1e-6)


# Ablations of the paper's tables 2 and 3, and every choice of every list.

ABLATIONS = [
    *({"norm": norm} for norm in NORMS),
    *({"ffn": ffn} for ffn in FFNS),
    *({"token_mixer": mixer} for mixer in TOKEN_MIXERS),
    *({"operators": operators} for operators in [("average",), ("max",), ("max", "average")]),
    *({"kernels": kernels} for kernels in [(3,), (5,), (3, 5), (3, 5, 7), (3, 5, 7, 9), (11, 1)]),
    *({"groups": groups} for groups in (1, 4, 8)),
    *({"ffn": "standard", "expansion": expansion} for expansion in (1, 2)),
    {"ffn": "ghost", "ghost_ratio": 4},
    {"layer_scale": None},
    {"stem_kernel": 3, "stem_stride": 1},
    {"stem_widths": (24, 24), "stem_stride": (2, 1, 2), "stem_kernel": 3},
    {"depths": (1, 1), "widths": (64, 96)},
    {"width": 0.375},
]


@pytest.mark.parametrize("overrides", ABLATIONS, ids=lambda o: " ".join(f"{k}={v}" for k, v in o.items()))
def test_ablations_build_and_run_in_training_and_inference(overrides, randomise):
    model = randomise(micro(**{"depths": (1, 0, 0, 1), "stochastic_depth": 0.2, **overrides}))
    for training in (False, True):
        y = run(model, images(32, 32), training=training)
        assert y.shape == (2, 5) and np.isfinite(y).all() and np.abs(y).max() > 1e-3


def test_pooling_choices_change_no_count(built):
    base = count(built("tformer_micro"))
    for overrides in ({"operators": ("max",)}, {"kernels": (3, 5)}, {"pooling_implementation": "separate"}):
        assert count(built("tformer_micro", **overrides)) == base


def test_without_layer_scale_and_drop_no_such_layers():
    model = micro(layer_scale=None, stochastic_depth=0.0)
    assert not of_class(model, layers.LayerScale) and not of_class(model, layers.StochasticDepth)

"""The configuration: every field reaches the model, values compare by what they hold, mistakes get one sentence."""

import dataclasses
import json

import keras
import pytest

import tformer_keras
from tformer_keras import layers
from tformer_keras.models import VARIANTS, TFormerConfig, build

SMALL = {"input_shape": (32, 32, 3), "classes": 5}


def micro(**overrides) -> keras.Model:
    return tformer_keras.TFormerMicro(**{**SMALL, **overrides})


def of_class(model: keras.Model, kind: type) -> list:
    return [layer for layer in model.layers if isinstance(layer, kind)]


def patches(model: keras.Model) -> list:
    return [model.get_layer(f"stage{stage}_patch").output for stage in (1, 2, 3, 4)]


def depths(model: keras.Model) -> tuple[int, ...]:
    names = [pool.name for pool in of_class(model, layers.HybridPooling)]
    return tuple(sum(name.startswith(f"stage{stage}_") for name in names) for stage in (1, 2, 3, 4))


POOL, SCALE, DROP = layers.HybridPooling, layers.LayerScale, layers.StochasticDepth
# field: (what else it needs, a value that is not the default, how the built model shows that value)
FIELDS = {
    "depths": ({}, (1, 2, 1, 1), depths),
    "widths": ({"width": 1.0}, (20, 30, 40, 50), lambda m: tuple(o.shape[-1] for o in patches(m))),
    "width": ({}, 0.5, lambda m: patches(m)[3].shape[-1] / 512),
    "input_shape": ({}, (24, 16, 1), lambda m: m.input_shape[1:]),
    "stem_kernel": ({}, 5, lambda m: m.get_layer("stage1_patch").kernel_size[0]),
    "stem_stride": ({}, 2, lambda m: m.get_layer("stage1_patch").strides[0]),
    "stem_widths": ({}, (24, 48), lambda m: tuple(m.get_layer(f"stem{i}_conv").filters * 4 for i in (1, 2))),
    "patch_kernel": ({}, 5, lambda m: m.get_layer("stage3_patch").kernel_size[0]),
    "patch_stride": ({}, 1, lambda m: m.get_layer("stage3_patch").strides[0]),
    "patch_padding": (
        {},
        "symmetric",
        lambda m: "symmetric" if m.get_layer("stage1_patch_pad").padding == ((3, 3), (3, 3)) else "same",
    ),
    "token_mixer": ({}, "pooling", lambda m: "pooling" if of_class(m, keras.layers.Subtract) else "hybrid"),
    "operators": ({}, ("max", "average"), lambda m: of_class(m, POOL)[0].operators),
    "kernels": ({}, (3, 7), lambda m: of_class(m, POOL)[0].kernels),
    "channel_split": ({}, "kernel", lambda m: of_class(m, POOL)[0].channel_split),
    "ffn": ({}, "standard", lambda m: "pcs" if of_class(m, layers.ChannelShuffle) else "standard"),
    "expansion": ({}, 3, lambda m: m.get_layer("stage1_block1_ffn_expand").filters / 16),
    "groups": ({}, 4, lambda m: m.get_layer("stage1_block1_ffn_project").groups),
    "ghost_ratio": (
        {"ffn": "ghost"},
        4,
        lambda m: 64 / m.get_layer("stage1_block1_ffn_expand_primary").filters,
    ),
    "norm": ({}, "group", lambda m: "group" if of_class(m, keras.layers.GroupNormalization) else "batch"),
    "norm_momentum": ({}, 0.5, lambda m: m.get_layer("head_norm").momentum),
    "activation": ({}, "relu6", lambda m: m.get_layer("stage1_block1_ffn_activation").activation.__name__),
    "layer_scale": ({}, 0.25, lambda m: of_class(m, SCALE)[0].initial_value),
    "stochastic_depth": ({}, 0.3, lambda m: of_class(m, DROP)[-1].rate),
    "pooling_implementation": ({}, "separate", lambda m: of_class(m, POOL)[0].implementation),
    "classes": ({}, 7, lambda m: m.output_shape[-1]),
    "include_top": ({}, False, lambda m: len(m.output_shape) == 2),
    "pooling": (
        {"include_top": False},
        "max",
        lambda m: type(m.get_layer("head_pool")).__name__[6:9].lower(),
    ),
    "features_only": ({}, True, lambda m: len(m.outputs) == 4),
    "classifier_activation": ({}, "sigmoid", lambda m: m.layers[-1].activation.__name__),
}


def test_the_table_has_every_field():
    assert list(FIELDS) == [field.name for field in dataclasses.fields(TFormerConfig)]


@pytest.mark.parametrize("field", FIELDS)
def test_an_override_changes_the_model(field):
    companions, value, shown = FIELDS[field]
    model = micro(**companions, **{field: value})
    assert shown(model) == value
    default = SMALL.get(field, getattr(VARIANTS["tformer_micro"], field))
    assert value != default and value != getattr(TFormerConfig(), field)
    assert json.dumps(model.get_config()) != json.dumps(micro(**companions).get_config())


def test_equal_configurations_build_equal_graphs():
    assert json.dumps(micro().get_config()) == json.dumps(micro().get_config())


def test_a_configuration_read_from_json_equals_its_source():
    config = dataclasses.replace(
        VARIANTS["tformer_l"], stem_widths=(8,), stem_stride=(2, 2), operators="max", kernels=3
    )
    again = TFormerConfig(**json.loads(json.dumps(dataclasses.asdict(config))))
    assert again == config and hash(again) == hash(config)
    assert (again.operators, again.kernels, again.stem_strides) == (("max",), (3,), (2, 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.classes = 3


@pytest.mark.parametrize(
    "width,groups,expected",
    [(0.25, 2, 16), (0.375, 2, 24), (0.3, 2, 20), (0.3, 4, 20), (0.001, 4, 4), (1, 1, 64)],
)
def test_scaled_widths_are_multiples_of_the_groups(width, groups, expected):
    assert TFormerConfig(width=width, groups=groups).scaled(64) == expected


# Errors: one sentence that names the field.


@pytest.mark.parametrize(
    "overrides,message",
    [
        ({"ffn": "mlp"}, r"^`ffn` expected one of \('pcs', 'standard', 'ghost'\), received 'mlp'\.$"),
        ({"norm": "instance"}, "^`norm` expected one of .* received 'instance'"),
        ({"token_mixer": "attention"}, "^`token_mixer` expected one of .* received 'attention'"),
        ({"patch_padding": "valid"}, "^`patch_padding` expected one of .* received 'valid'"),
        ({"channel_split": "even"}, "^`channel_split` expected one of .* received 'even'"),
        ({"activation": "swish"}, "^`activation` expected one of .*'quick_gelu'.* received 'swish'"),
        ({"pooling": "mean"}, "^`pooling` expected one of .* received 'mean'"),
        (
            {"depths": (1, 2)},
            r"^`depths` and `widths` expected one whole number a stage each, received \(1, 2\) and",
        ),
        ({"depths": (1, -1, 1, 1)}, "^`depths` and `widths` expected"),
        ({"depths": (1.5, 1, 2, 1)}, "^`depths` and `widths` expected"),
        ({"depths": (), "widths": ()}, "^`depths` and `widths` expected"),
        (
            {"input_shape": (32, 32)},
            r"^`input_shape` expected \(height, width, channels\), received \(32, 32\)",
        ),
        ({"input_shape": (32, 32, None)}, "^`input_shape` expected"),
        ({"input_shape": (0, 32, 3)}, "^`input_shape` expected"),
        (
            {"stem_stride": (2, 2)},
            "^`stem_stride` expected one stride or 1, one for each convolution of the stem, received",
        ),
        ({"stem_stride": 0}, "^`stem_stride` expected"),
        ({"stem_kernel": 0}, "^`stem_kernel` expected"),
        ({"patch_stride": 0}, "^`patch_stride` expected"),
        ({"width": 0}, "`width` expected more than 0.* received 0 and"),
        ({"classes": 0}, "`classes`.* at least 1.* received"),
        ({"classes": "10"}, "`classes`.* at least 1.* received"),
        ({"stochastic_depth": 1.0}, "`stochastic_depth` at least 0 and below 1, received .* 1.0"),
        ({"norm_momentum": 2.0}, "`norm_momentum` expected"),
        ({"layer_scale": "small"}, "`layer_scale` expected"),
        ({"expansion": 0}, "`expansion` expected"),
        ({"groups": 0}, "`groups` expected"),
        ({"kernels": (4,)}, "^`kernels` expected odd whole numbers"),
        ({"operators": "median"}, "^`operators` expected one or both"),
        ({"pooling_implementation": "fast"}, "`(pooling_)?implementation` expected one of"),
        ({"width": 0.05}, "expected at least 10 channels"),
        *(({"ffn": "ghost", "ghost_ratio": ratio}, "`ghost_ratio` expected") for ratio in (0, 1, 3)),
        ({"classifier_activation": "hardest"}, "hardest"),
        (
            {"depth": 3, "height": 2},
            "^tformer_micro expected fields of TFormerConfig, received depth, height",
        ),
    ],
    ids=repr,
)
def test_errors(overrides, message):
    with pytest.raises(ValueError, match=message) as caught:
        micro(**overrides)
    assert "\n" not in str(caught.value).strip()


def test_an_unknown_variant():
    with pytest.raises(
        ValueError, match="^`variant` expected one of tformer_s, tformer_m, .* received 'tformer_xl'"
    ):
        build("tformer_xl")

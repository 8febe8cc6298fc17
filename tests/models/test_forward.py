"""The whole network against NumPy, written from figure 2 of the paper: every part, in every configuration."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from tformer_keras.models import TFormer, TFormerConfig

# Stem stride 1 and 17 rows, so that stage 1 takes the cascade; odd sizes, so that "same" pads on one side.
BASE = TFormerConfig(
    depths=(1, 2), widths=(12, 20), input_shape=(17, 10, 3), stem_stride=1, stem_kernel=3, classes=4
)
CONFIGURATIONS = {
    "default": {},
    "strides of S": {"stem_kernel": 7, "stem_stride": 4},
    "norm group": {"norm": "group"},
    "norm layer": {"norm": "layer", "layer_scale": None},
    "gelu": {"activation": "gelu", "kernels": (3,)},
    "relu": {"activation": "relu", "kernels": (3,)},
    "relu6": {"activation": "relu6", "kernels": (3,)},
    "hard swish": {"activation": "hard_swish", "kernels": (3,)},
    "one group": {"groups": 1},
    "four groups, expansion 3": {"groups": 4, "expansion": 3},
    "standard FFN": {"ffn": "standard", "expansion": 2},
    "ghost 2": {"ffn": "ghost"},
    "ghost 4": {"ffn": "ghost", "ghost_ratio": 4},
    "PoolFormer": {"token_mixer": "pooling", "ffn": "standard", "norm": "group", "activation": "gelu"},
    "average alone": {"operators": ("average",)},
    "max alone": {"operators": ("max",)},
    "max first, odd kernels order": {"operators": ("max", "average"), "kernels": (7, 1, 3)},
    "kernels first": {"channel_split": "kernel"},
    "symmetric padding": {
        "patch_padding": "symmetric",
        "stem_widths": (8,),
        "stem_stride": 2,
        "stem_kernel": 5,
    },
    "separate pools": {"pooling_implementation": "separate"},
    "three convolutions of stem": {"stem_widths": (8, 10), "stem_stride": (2, 1, 2), "norm": "group"},
    "stride on the last of the stem": {"stem_widths": (8,), "stem_stride": 2},
    "patches": {"patch_kernel": 5, "patch_stride": 3},
}


@pytest.mark.parametrize("changes", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_equals_numpy(reference, randomise, changes):
    config = dataclasses.replace(BASE, **changes)
    model = randomise(TFormer(config))
    weights = {
        layer.name: {w.path.split("/")[-1]: ops.convert_to_numpy(w).astype("float64") for w in layer.weights}
        for layer in model.layers
    }
    x = np.random.default_rng(1).normal(size=(2, *config.input_shape)).astype("float32")
    expected = reference.TFormer(dataclasses.asdict(config), weights)
    last = [f"stage{stage}_block{depth}_ffn_add" for stage, depth in enumerate(config.depths, 1)]
    inside = keras.Model(model.input, [*(model.get_layer(name).output for name in last), model.output])
    *features, logits = (ops.convert_to_numpy(output) for output in inside(x))
    for actual, stage in zip(features, expected.features(x), strict=True):
        np.testing.assert_allclose(actual, stage, rtol=1e-4, atol=1e-4 * np.abs(stage).max())
    np.testing.assert_allclose(logits, expected.logits(x), rtol=1e-3, atol=1e-4)
    assert logits.std() > 0.05


def test_every_layers_output_shape_is_the_one_that_the_graph_promised(randomise):
    model = randomise(TFormer(dataclasses.replace(BASE, ffn="ghost", stem_widths=(8,))))
    walked = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    outputs = keras.Model(model.input, [layer.output for layer in walked])(
        np.zeros((2, 17, 10, 3), "float32")
    )
    for layer, output in zip(walked, outputs, strict=True):
        assert tuple(output.shape)[1:] == layer.output.shape[1:], layer.name


def test_one_image_does_not_see_another(randomise):
    model = randomise(TFormer(BASE))
    x = images()
    together = ops.convert_to_numpy(model(x))
    alone = np.concatenate([ops.convert_to_numpy(model(x[i : i + 1])) for i in range(3)])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


# Precision, data format, training.


def small(**changes) -> keras.Model:
    return TFormer(dataclasses.replace(BASE, **changes))


def images() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(3, 17, 10, 3)).astype("float32")


def test_mixed_precision_keeps_variables_and_logits_in_float32(randomise):
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        model = randomise(small(classifier_activation="softmax"))
    finally:
        keras.config.set_dtype_policy(before)
    assert {variable.dtype for variable in model.weights} == {"float32"}
    assert model.get_layer("stage2_block2_ffn_add").output.dtype == "bfloat16"
    assert model.get_layer("head_logits").output.dtype == model.output.dtype == "float32"
    same = small(classifier_activation="softmax")
    same.set_weights(model.get_weights())
    half, full = (ops.convert_to_numpy(m(images())) for m in (model, same))
    np.testing.assert_allclose(half, full, atol=0.05)
    assert not np.array_equal(half, full)


def test_channels_are_last_whatever_keras_defaults_to():
    expected = small(ffn="ghost").get_config()["layers"]
    before = keras.config.image_data_format()
    try:
        keras.config.set_image_data_format("channels_first")
        model = small(ffn="ghost")
    finally:
        keras.config.set_image_data_format(before)
    assert model.output_shape == (None, 4)
    assert model.get_config()["layers"] == expected


@pytest.mark.parametrize(
    "changes", [{}, {"norm": "group", "ffn": "ghost", "stem_widths": (8,)}], ids=["default", "other"]
)
def test_one_training_step_moves_every_weight(changes):
    model = small(layer_scale=0.5, stochastic_depth=0.0, **changes)  # no block is left out of the step
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, run_eagerly=keras.backend.backend() == "tensorflow")
    before = {variable.path: ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables}
    model.train_on_batch(images(), np.array([0, 3, 1]))
    still = [
        v.path for v in model.trainable_variables if np.array_equal(before[v.path], ops.convert_to_numpy(v))
    ]
    assert still == []

"""The network of several capacities: each is an ordinary TFormer with its weights, and nothing is computed twice."""

import dataclasses

import keras
import numpy as np
import pytest

from tformer_edge.errors import UserError
from tformer_keras import VARIANTS
from tformer_keras.models.counting import count, without_values
from tformer_keras.models.nested_tformer import (
    NestedTFormer,
    capacities_of,
    capacity_model,
    fill_largest,
)
from tformer_keras.models.tformer import TFormer, TFormerConfig

SMALL = TFormerConfig(
    depths=(1, 1),
    widths=(8, 12),
    input_shape=(16, 16, 3),
    stem_kernel=3,
    stem_stride=2,
    kernels=(3, 5),
    layer_scale=0.5,
    stochastic_depth=0.0,
    classes=4,
)
CAPACITIES = {"L": (2, 3), "M": (2, 1), "S": (1, 1)}
IMAGES = np.random.default_rng(0).normal(size=(3, 16, 16, 3)).astype("float32")


@pytest.fixture(scope="module")
def nested(randomise):
    return randomise(NestedTFormer(SMALL, CAPACITIES))


def outputs(model, images, training=False):
    return [np.asarray(part) for part in keras.tree.flatten(model(images, training=training))]


def test_each_capacity_is_the_ordinary_model_of_its_depths(nested):
    for name, output in zip(CAPACITIES, outputs(nested, IMAGES), strict=True):
        model = capacity_model(nested, SMALL, CAPACITIES, name)
        assert model.name == name
        alike = TFormer(dataclasses.replace(SMALL, depths=CAPACITIES[name]))
        assert [w.path.split("/")[-2:] for w in model.weights] == [
            w.path.split("/")[-2:] for w in alike.weights
        ]
        np.testing.assert_allclose(outputs(model, IMAGES)[0], output, rtol=1e-4, atol=1e-5)


def test_weights_are_those_of_the_largest_and_two_heads(nested):
    largest = TFormer(dataclasses.replace(SMALL, depths=(2, 3)))
    head = sum(layer.count_params() for layer in largest.layers if layer.name.startswith("head"))
    assert nested.count_params() == largest.count_params() + 2 * head


def test_norms_take_the_statistics_of_all_capacities_that_pass_them(randomise):
    network = randomise(NestedTFormer(SMALL, CAPACITIES))
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    for name, maps_an_image in (("stage1_block2_mixer_norm", 1), ("stage2_block1_mixer_norm", 2)):
        layer = network.get_layer(name)
        seen = outputs(keras.Model(network.inputs[0], layer.input), IMAGES, training=True)[0]
        # M and L are the same up to stage 2, S is another.
        assert len(seen) == maps_an_image * len(IMAGES)
        network(IMAGES, training=True)
        np.testing.assert_allclose(layer.moving_mean, seen.mean((0, 1, 2)), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(layer.moving_variance, seen.var((0, 1, 2)), rtol=1e-3, atol=1e-5)


def test_the_largest_ones_weights_can_be_given(randomise):
    nested = NestedTFormer(SMALL, CAPACITIES)
    model = randomise(TFormer(dataclasses.replace(SMALL, depths=(2, 3))), seed=5)
    fill_largest(nested, model)
    np.testing.assert_allclose(outputs(nested, IMAGES)[0], outputs(model, IMAGES)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.graph_alone
def test_the_papers_names_are_the_papers_models():
    for model in ("tformer_s", "tformer_m", "tformer_l"):
        found = capacities_of("S,L,M", model, VARIANTS[model])
        assert list(found.items()) == [
            (name.upper(), VARIANTS[f"tformer_{name}"].depths) for name in ("l", "m", "s")
        ]
    assert capacities_of("S,L", "tformer_micro", SMALL) == {"L": (3, 3), "S": (1, 1)}
    assert capacities_of("1-1,big=4-1", "tformer_micro", SMALL) == {"big": (4, 1), "1-1": (1, 1)}
    small = count(without_values(lambda: TFormer(VARIANTS["tformer_s"]))).parameters
    assert small == pytest.approx(8.38e6, rel=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "S",
        "best=1-1,L",
        "S,S",
        "S,XL",
        "1-1,1-1",
        "1-1-1,2-2-2",
        "0-1,2-2",
        "1-2,2-1",
        "a b=1-1,2-2",
        "a/b=1-1,2-2",
        "S,M,",
        "=1-1,2-2",
        "1-1,999-999999",
    ],
)
def test_what_is_no_set_of_capacities_is_said_in_a_sentence(text):
    with pytest.raises(UserError, match="--nested: expected .*received") as error:
        capacities_of(text, "tformer_micro", SMALL)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["best", "fastest", "largest"])
def test_a_name_with_a_meaning_is_refused_by_it(name):
    with pytest.raises(UserError, match=f"--nested: expected a name that has no meaning.*{name}=3-3"):
        capacities_of(f"S,{name}=3-3", "tformer_micro", SMALL)


def test_more_than_a_model_may_have_is_said_in_a_sentence():
    with pytest.raises(UserError, match="--nested: expected depths that the model takes"):
        capacities_of("1-1,999-999", "tformer_micro", dataclasses.replace(SMALL, widths=(8, 4000)))

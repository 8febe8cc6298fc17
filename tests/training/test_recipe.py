"""Recipes are plain data, checked, and changed by typed settings."""

import dataclasses
import json

import pytest

from tformer_edge.errors import UserError
from tformer_keras.training.recipe import Recipe
from tformer_keras.training.recipes import RECIPES
from tformer_keras.training.settings import assignments, override


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_data_that_json_keeps(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    data = recipe.to_json()
    assert json.loads(json.dumps(data)) == data
    assert recipe.preprocessing((32, 48)).input_size == (32, 48)


def test_imagenet_is_the_papers() -> None:
    recipe = RECIPES["imagenet"]
    assert (recipe.epochs, recipe.batch_size, recipe.learning_rate, recipe.weight_decay) == (
        300,
        1024,
        1e-3,
        0.05,
    )
    augmentation = recipe.augmentation
    assert (
        augmentation.mixup
        and augmentation.cutmix
        and augmentation.random_erasing
        and augmentation.rand_augment
    )
    assert recipe.label_smoothing == 0.1 and recipe.warmup_epochs > 0


def test_settings_are_typed() -> None:
    texts = [
        "epochs=7",
        "learning_rate=1",
        "clip_norm=None",
        "resize=shorter",
        "mean=[0,0.5,1]",
        "augmentation.mixup=0.3",
    ]
    recipe = override(RECIPES["digits"], assignments(texts, "--set"))
    assert (recipe.epochs, recipe.learning_rate, recipe.clip_norm, recipe.resize) == (7, 1.0, None, "shorter")
    assert recipe.mean == (0.0, 0.5, 1.0) and isinstance(recipe.learning_rate, float)
    assert recipe.augmentation == dataclasses.replace(RECIPES["digits"].augmentation, mixup=0.3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs", "expected KEY=VALUE"),
        ("epoch=3", "received 'epoch'"),
        ("epochs=3.5", "epochs: expected a value of type int, received 3.5"),
        ("epochs=True", "type int, received True"),
        ("epochs=0", "at least 1, received 0"),
        ("resize=crop", "resize"),
        ("mean=(1,2)", "mean"),
        ("learning_rate=fast", "type float, received 'fast'"),
        ("learning_rate=-1", "more than 0"),
        ("augmentation.mixup=-1", "mixup"),
        ("augmentation.blur=1", "received 'augmentation.blur'"),
        ("frozen_epochs=99", "below epochs"),
    ],
)
def test_mistakes_name_the_field(text: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        override(RECIPES["digits"], assignments([text], "--set"))
    assert expected in str(error.value) and "\n" not in str(error.value)


def test_every_field_is_checked_or_free() -> None:
    with pytest.raises(UserError, match="label_smoothing"):
        Recipe(name="test", epochs=1, batch_size=1, learning_rate=1.0, label_smoothing=1.0)

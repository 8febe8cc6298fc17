"""What is chosen for a folder of boxes or masks."""

import dataclasses
import types

import pytest

from tformer_keras.data.dataset import Dataset, ImageSplit
from tformer_keras.data.digit_scenes import load_digit_scenes
from tformer_keras.training.scenes import choose_scenes, input_size


@pytest.mark.parametrize("masks", [False, True])
def test_digits_are_not_mirrored_and_other_things_are(masks):
    digits = load_digit_scenes(masks)
    choice = choose_scenes(digits, batch_size=8)
    assert choice.recipe.augmentation.horizontal_flip is False
    assert any("no flips" in reason for reason in choice.reasons)
    assert choose_scenes(dataclasses.replace(digits, mirrored=True)).recipe.augmentation.horizontal_flip
    assert (choice.recipe.input_size, choice.recipe.batch_size, choice.recipe.epochs) == ((96, 96), 8, 40)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [((480, 640), (256, 320)), ((360, 480), (256, 320)), ((90, 2000), (96, 1312)), ((64, 64), (96, 96))],
)
def test_inputs_are_of_about_the_pictures_shape_in_multiples_of_32(picture, expected):
    assert input_size(*picture) == expected


def test_large_jpegs_are_reduced():
    def choice(*size):
        split = ImageSplit(("a",), [types.SimpleNamespace(size=size)], lambda index: None)
        return choose_scenes(Dataset("photos", ("thing",), split, split, task="detection"))

    assert not choice(480, 640).recipe.augmentation.reduced_decoding
    large = choice(3000, 4000)
    assert large.recipe.augmentation.reduced_decoding and large.reasons[-1].startswith("JPEGs are decoded")

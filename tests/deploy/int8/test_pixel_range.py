"""Ranges with which a pixel is its own quantized value, and that nothing moves them."""

import dataclasses

import keras
import numpy as np
from keras import layers

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.pixels import synthetic_pixels
from tformer_keras.deploy.int8.calibration import calibrate
from tformer_keras.deploy.int8.pixel_range import grey_of, pixel_range
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.training.recipes import RECIPES

SIZE = (8, 6)
CHANNELS = Preprocessing(SIZE, "stretch", 1.0, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
GREY_128 = Preprocessing(SIZE, "stretch", 1.0, (128 / 255,) * 3, (0.25,) * 3)


def test_a_pixel_is_its_own_number_for_every_grey_and_deviation():
    pixels = np.arange(256)
    for grey in range(256):
        for std in (0.1, 0.229, 0.25, 0.2471, 0.5, 1.0):
            image = dataclasses.replace(GREY_128, mean=(grey / 255,) * 3, std=(std,) * 3)
            assert grey_of(image) == grey
            low, high = np.float32(pixel_range(grey, std))
            # As TensorFlow nudges a range.
            scale = (high - low) / np.float32(255)
            zero = np.rint(-low / scale)
            real = ((pixels / 255) - image.mean[0]) / image.std[0]
            assert (np.clip(np.rint(real / np.float64(scale)) + zero, 0, 255) == pixels).all(), (grey, std)


def test_other_normalisations_are_none_of_one_grey():
    assert grey_of(CHANNELS) is None
    assert grey_of(dataclasses.replace(GREY_128, mean=(0.5,) * 3)) is None
    assert grey_of(dataclasses.replace(GREY_128, std=(0.25, 0.25, 0.26))) is None
    assert grey_of(Preprocessing(SIZE, "stretch", encoding="pixels")) == 0


def test_recipes_for_peoples_own_pictures_are_of_one_grey():
    for name in ("digits", "photos", "detect", "segment"):
        assert grey_of(RECIPES[name].preprocessing(SIZE)) == 128


def test_calibration_and_training_leave_the_range_of_pixels_alone():
    inputs = layers.Input((*SIZE, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(inputs)
    model = quantize_aware(keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x))))
    calibrate(model, synthetic_pixels(4, SIZE) // 2 + 60, GREY_128)
    before = model.ranges
    np.testing.assert_allclose(before["image"], pixel_range(128, 0.25), rtol=1e-6)
    model.model(np.full((2, *SIZE, 3), 9.0, "float32"), training=True)
    after = model.ranges
    assert after["image"] == before["image"] and after["stem.relu"] != before["stem.relu"]
    # Any other normalisation is observed.
    calibrate(other := quantize_aware(model.source), synthetic_pixels(4, SIZE), CHANNELS)
    other.model(np.full((2, *SIZE, 3), 9.0, "float32"), training=True)
    assert other.ranges["image"][1] > 2.5

"""Random weights and images that a quantizer can take ranges from."""

import keras
import numpy as np

from benchmarks.peers import random_weights
from benchmarks.peers.affine import Affine
from benchmarks.peers.random_weights import calibration_images, randomise


def test_fresh_models_get_statistics_that_are_not_their_initial_values():
    from tformer_keras.models import build

    def make(seed):
        model = build("tformer_micro", input_shape=(32, 32, 3), classes=4)
        randomise(model, seed)
        return {variable.path: np.asarray(variable) for variable in model.variables}

    one, same, other = make(0), make(0), make(1)
    norm = one["stage1_block1_mixer_norm/gamma"]
    assert norm.min() >= 0.5 and norm.max() <= 1.5 and norm.std() > 0.1  # never negative: it must fold
    assert one["stage1_block1_mixer_norm/moving_mean"].std() > 0.05
    assert one["stage1_block1_ffn_scale/scale"].min() >= 0.5
    np.testing.assert_array_equal(norm, same["stage1_block1_mixer_norm/gamma"])
    assert not np.array_equal(norm, other["stage1_block1_mixer_norm/gamma"])


def test_calibration_images_are_normalised_noise():
    images = list(calibration_images((8, 8, 3)))
    assert len(images) == random_weights.CALIBRATION_IMAGES and images[0].shape == (1, 8, 8, 3)
    assert images[0].dtype == np.float32 and not np.array_equal(images[0], images[1])


def test_norms_of_tokens_are_randomised_too():
    inputs = keras.Input((3, 200))
    model = keras.Model(inputs, Affine()(keras.layers.LayerNormalization()(inputs)))
    randomise(model)
    for factor, offset in (model.layers[1].weights, model.layers[2].weights):
        assert np.min(factor) >= 0.5 and np.max(factor) <= 1.5 and np.std(factor) > 0.1
        assert 0.05 < np.std(offset) < 0.2

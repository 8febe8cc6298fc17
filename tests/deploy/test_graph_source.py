"""Which images an embedded data set calibrates with."""

import keras
import numpy as np

from tformer_keras.data.digit_scenes import DIGIT_SCENES, load_digit_scenes
from tformer_keras.deploy.graph_source import GraphOptions, open_graph
from tformer_keras.training.saved_model import BarePreprocessing


def test_an_embedded_data_set_calibrates_with_its_training_images() -> None:
    inputs = keras.Input((96, 96, 3), batch_size=1)
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(inputs))
    options = GraphOptions(ptq=True, calibration=DIGIT_SCENES, calibration_images=4)
    bare = BarePreprocessing(mean=(0.5,) * 3, std=(0.5,) * 3, resize="stretch", labels=("even", "odd"))
    source = open_graph(keras.Model(inputs, outputs), options, True, bare)
    train = load_digit_scenes().train
    expected = np.stack([train.pixels(index) for index in (0, 200, 400, 600)])
    np.testing.assert_array_equal(source.calibration, expected)
    assert "4 of 800 training images of digit-scenes" in source.weights

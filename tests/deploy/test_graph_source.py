"""Which images an embedded data set calibrates with, and the forms of a graph for an NPU."""

import keras
import numpy as np
import pytest

from tformer_keras.data.digit_scenes import DIGIT_SCENES, load_digit_scenes
from tformer_keras.deploy.graph.lower import NPU, TARGETS
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


@pytest.mark.parametrize("rewrites", [None, "all"])
@pytest.mark.parametrize("npu", [None, "ethos-u55-128"])
def test_a_file_for_an_npu_has_its_forms_unless_others_are_named(
    npu: str | None, rewrites: str | None
) -> None:
    inputs = keras.Input((8, 8, 3), batch_size=1)
    outputs = keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(inputs))
    options = GraphOptions(
        ptq=True, calibration="digits", calibration_images=1, target="micro", rewrites=rewrites, npu=npu
    )
    labels = tuple(str(digit) for digit in range(10))
    bare = BarePreprocessing(mean=(0.5,) * 3, std=(0.5,) * 3, resize="stretch", labels=labels)
    chosen = open_graph(keras.Model(inputs, outputs), options, True, bare).graph.rewrites
    expected = {*TARGETS["micro"], *(NPU["micro"] if npu and rewrites is None else ())}
    assert set(chosen) == expected

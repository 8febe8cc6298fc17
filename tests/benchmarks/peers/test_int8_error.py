"""How far an int8 file is from its float32 file, of a model of one dense layer."""

import numpy as np
import pytest

from benchmarks.litert import Model
from benchmarks.peers.conversion import convert_by_tensorflow
from benchmarks.peers.int8_error import answers, compared, main


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    import keras

    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, keras.layers.Dense(5)(keras.layers.Flatten()(inputs)))
    folder = tmp_path_factory.mktemp("files")
    for kind in ("int8", "float"):
        (folder / f"{kind}.tflite").write_bytes(convert_by_tensorflow(model, kind))
    return folder, model


def test_answers_are_numbers_of_the_model_s_own_scale(files):
    folder, model = files
    images = [np.random.default_rng(0).normal(size=(1, 4, 4, 3)).astype("float32") for _ in range(2)]
    expected = np.asarray(model(np.concatenate(images)))
    np.testing.assert_allclose(answers(Model(folder / "float.tflite", 1), images), expected, atol=1e-4)
    np.testing.assert_allclose(answers(Model(folder / "int8.tflite", 1), images), expected, atol=0.15)


def test_the_error_is_relative_to_the_outputs(files):
    folder, _ = files
    row = compared("a", folder / "int8.tflite", folder / "float.tflite")
    # Four images of 48 numbers are a poor calibration: some outputs of the others are beyond its range.
    assert 0.001 < row.error < 0.4 and (row.int8_parts, row.float_parts) == (1, 1)
    assert compared("a", folder / "float.tflite", folder / "float.tflite").error == 0


def test_an_unknown_model_is_one_sentence(capsys):
    assert main(["nobody"]) == 2
    assert "received 'nobody' and 'int8'" in capsys.readouterr().err

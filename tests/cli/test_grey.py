"""A Keras model of one grey channel, by the commands: to a file of format 2, and its answers on a device."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from tformer_cli.main import main
from tformer_edge.contract import read_model_file
from tformer_edge.golden_check import selftest
from tformer_edge.model import Model
from tformer_edge.preprocessing import grey


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grey")
    random = np.random.default_rng(0)
    (path / "images").mkdir()
    for number in range(8):
        image = random.integers(0, 256, (20 + number, 26, 3), dtype=np.uint8)
        Image.fromarray(image).save(path / "images" / f"{number}.png")
    (path / "labels.txt").write_text("dark\nlight\n")
    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 24, 1))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3, activation="relu")(inputs))
    keras.Model(inputs, layers.Dense(2)(x)).save(path / "grey.keras")
    return path


def arguments(folder: Path, out: Path, *more: str) -> list[str]:
    bare = ["--mean", "0.5", "--std", "0.25", "--resize", "stretch", "--labels", str(folder / "labels.txt")]
    calibration = ["--ptq", "--calibration", str(folder / "images"), "--out", str(out)]
    return ["convert", str(folder / "grey.keras"), "--int8", *bare, *calibration, *more]


def test_it_converts_and_answers_as_keras_does(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "grey.tflite"
    assert main(arguments(folder, out)) == 0
    contract = read_model_file(out).contract
    assert contract is not None and contract.format == 2 and contract.image.channels == 1
    assert [one.kind for one in contract.outputs] == ["scores"]
    model = keras.saving.load_model(folder / "grey.keras")
    with Model(out, threads=1) as device:
        assert device.input.shape == (1, 16, 24, 1) and all(one.passed for one in selftest(device))
        for path in sorted((folder / "images").iterdir()):
            image = np.asarray(Image.open(path))
            pixels = contract.image.pixels(image)
            np.testing.assert_array_equal(contract.image.pixels(grey(image)), pixels)
            (expected,) = np.asarray(model(contract.image.normalise(pixels[None])))
            scores = device.predict(path).scores
            np.testing.assert_allclose(scores, expected, atol=4 * device.outputs[0].scale)


def test_three_means_do_not_fit_one_channel(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = arguments(folder, tmp_path / "x.tflite")
    place = given.index("--mean")
    assert main([*given[: place + 2], "0.5", "0.5", *given[place + 2 :]]) == 2
    assert "one number from 0 to 1" in capsys.readouterr().err


def test_firmware_has_one_channel(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")
    out = tmp_path / "micro.tflite"
    assert main(arguments(folder, out, "--target", "micro")) == 0
    capsys.readouterr()
    assert main(["micro", str(out), "--out", str(tmp_path / "firmware"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    header = (tmp_path / "firmware" / "model_contract.h").read_text()
    assert "kInputChannels = 1;" in header and "pixel by pixel, grey." in header

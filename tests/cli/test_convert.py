"""`tformer convert` and `tformer parity` end to end: files, reports, exit codes, and what bad input leaves behind."""

import dataclasses
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from tformer_cli.convert_options import DEFAULT_MODEL
from tformer_cli.main import main
from tformer_edge.contract import read_model_file
from tformer_edge.errors import UserError
from tformer_edge.files import check_writable, write_all_whole
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.models import weights as shipped

ROOT = Path(__file__).parents[2]
NAMES = ("dark", "light")
HALF = ["0.5", "0.5", "0.5"]


def make_model() -> keras.Model:
    keras.utils.set_random_seed(1)
    x = inputs = layers.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="stem")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(inputs, layers.Dense(2, name="head")(x), name="tiny")
    # A classifier of brightness that needs no training.
    model.layers[1].kernel.assign(np.abs(model.layers[1].kernel))
    model.layers[3].kernel.assign([[-1.0, 1.0]] * 4)
    model.layers[3].bias.assign([0.6, -0.6])
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare .keras file, its labels, labelled images (of another size) and a quantized run."""
    root = tmp_path_factory.mktemp("convert")
    model = make_model()
    model.save(root / "tiny.keras")
    (root / "labels.txt").write_text("\n".join(NAMES))
    rng = np.random.default_rng(0)
    for split, number in (("train", 4), ("test", 6)):
        for name, low in zip(NAMES, (0, 140), strict=True):
            (root / "data" / split / name).mkdir(parents=True)
            for index in range(number):
                pixels = rng.integers(low, low + 110, (10, 9, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / "data" / split / name / f"{index}.png")
    quantized = quantize_aware(model)
    quantized.calibrate([rng.uniform(-1, 1, (8, 8, 8, 3)).astype("float32")])
    quantized.save(root / "run")
    config = {
        "run": {"seed": 0},
        "class_names": NAMES,
        "preprocessing": Preprocessing((8, 8), "stretch", mean=(0.5,) * 3, std=(0.5,) * 3).to_json(),
        "model": {"name": "tiny", "config": {}},
    }
    (root / "run" / "config.json").write_text(json.dumps(config))
    return root


@pytest.fixture
def bare(folder: Path) -> list[str]:
    """Options that a bare .keras file needs."""
    return ["--mean", *HALF, "--std", *HALF, "--resize", "stretch", "--labels", str(folder / "labels.txt")]


def convert(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    capsys.readouterr()
    assert main(["convert", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    assert main(list(map(str, arguments))) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("tformer: error: ") and "\n" not in error
    return error


def test_a_bare_file_after_training(
    folder: Path, bare: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "tiny.tflite"
    arguments = [
        folder / "tiny.keras",
        "--int8",
        *bare,
        "--calibration",
        folder / "data",
        "--data",
        folder / "data",
    ]
    report = convert(capsys, *arguments, "--out", out)
    assert sorted(os.listdir(out.parent)) == ["tiny.png", "tiny.tflite"]
    assert report["bytes"]["total"] == out.stat().st_size and report["accuracy"]["top1"] == 1.0
    assert report["accuracy"]["images"] == 12 and report["parameters"] == 4 * 28 + 10
    assert "8 of 8 images" in report["weights"] and report["delegate"]["partitions"] == 1
    assert ["8 of the 8 calibration images are not 8x8" in note for note in report["notes"]] == [True]
    assert [layer["name"] for layer in report["layers"]] == ["stem.relu", "pool", "head"]
    model = read_model_file(out)
    assert model.labels == NAMES and model.contract.accuracy["top1"] == 1.0
    assert model.contract.image == Preprocessing((8, 8), "stretch", mean=(0.5,) * 3, std=(0.5,) * 3)
    assert model.contract.source["conversion"]["kind"] == "int8"
    # As any consumer would use it.
    litert = LiteRT(model.flatbuffer)
    white = np.full((1, 8, 8, 3), 255, np.uint8)
    assert litert.run(litert.input_of(white, model.contract.image))[0].argmax() == 1

    before = out.read_bytes()
    assert f"received {out}, which is there" in error_of(capsys, "convert", *arguments, "--out", out)
    convert(capsys, *arguments, "--out", out, "--force")
    assert out.read_bytes() == before


def test_raw_pixels_in_and_scores_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "raw.tflite"
    options = ["--io", "pixels", "--output", "scores", "--data", folder / "data", "--out", out]
    report = convert(capsys, folder / "run", *options)
    assert report["io"] == "pixels" and report["accuracy"]["top1"] == 1.0
    assert list(report["border"]) == ["QUANTIZE of the input", "SOFTMAX", "QUANTIZE of the output"]
    assert report["delegate"]["partitions"] == 1 and report["proof"]["border"] < 0.1
    # 0.5 is half a grey level beside 128.
    assert [note for note in report["notes"] if "zeros stand for the grey 128" in note and "0.5 grey" in note]
    file = read_model_file(out)
    assert file.contract.image.encoding == "pixels" and file.contract.input_type == "uint8"
    assert file.contract.output_meaning == "probabilities"
    assert file.contract.source["conversion"]["pixels"] == "absorbed"
    # As a program does that knows nothing of the contract: bytes in, the largest score wins.
    for value, label in ((0, 0), (255, 1)):
        (scores,) = LiteRT(file.flatbuffer).run(np.full((1, 8, 8, 3), value, np.uint8))
        assert scores.argmax() == label and abs(int(scores.sum()) - 256) <= 2
    assert "--exact with --io pixels alone" in error_of(capsys, "convert", folder / "run", "--exact")


def test_a_quantized_run_gives_its_own_weights(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report = convert(capsys, folder / "run", "--target", "micro", "--rewrites", "none")
    assert report["out"] == str(folder / "run" / "model-int8-micro.tflite")
    assert report["target"] == "micro" and report["rewrites"] == [] and report["accuracy"] is None
    assert "trained" in report["weights"] and report["layer_images"] == "8 generated images"
    assert "has quantized weights, received one; leave it out" in error_of(
        capsys, "convert", folder / "run", "--calibration", folder / "data"
    )
    report = convert(capsys, folder / "run", "--fp16", "--out", "half.tflite")
    assert report["io"] == "float32" and report["int8"]["macs"] == 0
    assert sorted(os.listdir(tmp_path)) == ["half.png", "half.tflite"]


def test_shipped_weights_without_quantized_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = DEFAULT_MODEL
    entry = shipped.SHIPPED[name]
    monkeypatch.setitem(shipped.SHIPPED, name, dataclasses.replace(entry, quantized=None))
    monkeypatch.chdir(tmp_path)
    assert "none ship with this version" in error_of(capsys, "convert", "--int8")
    damaged = dataclasses.replace(entry, quantized="0" * 64)
    monkeypatch.setitem(shipped.SHIPPED, name, damaged)
    assert "damaged" in error_of(capsys, "convert", "--int8")
    assert os.listdir(tmp_path) == []


def test_parity(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["parity", str(folder / "run"), "--data", str(folder / "data"), "--json"]
    picture = tmp_path / "parity.png"
    assert main([*arguments, "--picture", str(picture)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] and report["images"] == 12 and len(report["layers"]) == 3
    assert [form["top1"] for form in report["forms"]] == [1.0] * 5
    with Image.open(picture) as opened:
        assert opened.width > 500
    code = main([*arguments, "--images", "4", "--float-difference", "0", "--layer-images", "1"])
    report = json.loads(capsys.readouterr().out)
    lowered = report["pairs"][0]["largest"]
    assert report["images"] == 4 and report["passed"] == (lowered == 0) == (code == 0)
    assert "--agreement" in error_of(capsys, *arguments, "--agreement", "2")
    assert "give --data" in error_of(capsys, "parity", folder / "run")


def hdf5(path: Path) -> None:
    make_model().save(path)


def saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x08\x01")


def pytorch(path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/data.pkl", b"\x80\x02}.")


def truncated(path: Path) -> None:
    make_model().save(path)
    path.write_bytes(path.read_bytes()[:-500])


def flipped(path: Path) -> None:
    make_model().save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def open_size(path: Path) -> None:
    inputs = layers.Input((None, None, 3), name="picture")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(inputs))
    keras.Model(inputs, x).save(path)


def not_a_number(path: Path) -> None:
    model = make_model()
    model.layers[1].bias.assign([np.nan] * 4)
    model.save(path)


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("missing.keras", lambda path: None, "no such file"),
        ("text.keras", lambda path: path.write_text("hello"), "something else"),
        ("empty.keras", lambda path: path.write_bytes(b""), "something else"),
        ("cut.keras", truncated, "damaged or cut"),
        ("flipped.keras", flipped, "damaged"),
        ("old.h5", hdf5, "HDF5"),
        ("torch.pt", pytorch, "PyTorch"),
        ("old.pth", lambda path: path.write_bytes(b"\x80\x02\x8a\x0al\xfc"), "PyTorch"),
        ("graph.onnx", lambda path: path.write_bytes(b"\x08\x07\x12\x07pytorch"), "ONNX"),
        ("ready.tflite", lambda path: path.write_bytes(b"\x1c\0\0\0TFL3"), "converted already"),
        ("saved", saved_model, "SavedModel"),
        ("open.keras", open_size, "picture (None, None, None, 3); give a model of one picture"),
        ("nan.keras", not_a_number, "NaN or infinity"),
    ],
)
def test_bad_models(
    name: str, make: object, words: str, folder: Path, bare: list[str], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    make(tmp_path / name)
    out = tmp_path / "out" / "x.tflite"
    error = error_of(
        capsys, "convert", tmp_path / name, *bare, "--calibration", folder / "data", "--out", out
    )
    assert (words in error and name in error) or (words == "NaN or infinity" and words in error)
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "give --calibration FOLDER"),
        (["--calibration", "random"], "received --calibration random"),
        (["--calibration", "EMPTY"], "received none of the files"),
        (["--calibration", "BROKEN"], "broken.png"),
        (["--calibration", "DATA", "--data", "EMPTY"], "EMPTY"),
        (["--calibration", "DATA", "--rewrites", "fold_everything"], "fold_everything"),
        (["--calibration", "DATA", "--calibration-images", "0"], "--calibration-images"),
        (["--calibration", "DATA", "--batch", "0"], "batch"),
        (["--calibration", "DATA", "--threads", "0"], "--threads"),
        (["--calibration", "DATA", "--out", "."], "which is a folder"),
        (["--calibration", "DATA", "--out", "labels.txt/x.tflite"], "labels.txt"),
        (["--calibration", "DATA", "--out", "/proc/none/x.tflite"], "/proc"),
        (["--fp16", "--io", "int8"], "only int8"),
        (["--float", "--ptq"], "with --int8 only"),
    ],
)
def test_bad_options(
    arguments: list[str], words: str, folder: Path, bare: list[str], tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EMPTY").mkdir()
    (tmp_path / "BROKEN").mkdir()
    (tmp_path / "BROKEN" / "broken.png").write_bytes(b"nonsense")
    (tmp_path / "labels.txt").write_text("x")
    (tmp_path / "DATA").symlink_to(folder / "data")
    before = sorted(os.listdir(tmp_path))
    assert words in error_of(capsys, "convert", folder / "tiny.keras", *bare, *arguments)
    assert sorted(os.listdir(tmp_path)) == before
    assert not (folder / "tiny-int8.tflite").exists()


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    files = {tmp_path / "new" / "small.png": b"1" * 10, tmp_path / "new" / "large.tflite": b"2" * 100_000}
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(UserError, match=r"expected to write .*large.tflite, received file too large"):
            write_all_whole(files)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == []
    write_all_whole(files)
    assert {path: path.read_bytes() for path in (tmp_path / "new").iterdir()} == files
    with pytest.raises(UserError, match="which is there"):
        check_writable(list(files), force=False)
    check_writable(list(files), force=True)


def test_a_full_temporary_folder_is_one_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        error = error_of(capsys, "convert", folder / "run", "--out", tmp_path / "x.tflite")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "room for the conversion" in error
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("script", ["to_tflite.py", "check_parity.py"])
def test_the_scripts_are_the_commands(script: str) -> None:
    done = subprocess.run(
        [sys.executable, f"converters/{script}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "--calibration" in done.stdout and "examples:" in done.stdout

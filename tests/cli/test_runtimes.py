"""`tformer runtimes`: what it compares, what makes it fail, and one sentence for what cannot be compared."""

import dataclasses
import json

import pytest
from PIL import Image

from tests.deploy.micro.test_firmware import LABELS, crops, file_bytes
from tformer_cli.main import main
from tformer_edge.contract import read_model_file
from tformer_edge.model import Model
from tformer_keras.deploy.compare import runtimes

pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model file for microcontrollers, and labelled crops of photographs."""
    root = tmp_path_factory.mktemp("runtimes")
    (root / "micro.tflite").write_bytes(file_bytes())
    for split, count in (("train", 1), ("test", 3)):
        images = crops(count * len(LABELS), 40)
        for number in range(len(LABELS)):
            (root / "data" / split / f"class{number}").mkdir(parents=True)
            for index in range(count):
                Image.fromarray(next(images)).save(root / "data" / split / f"class{number}" / f"{index}.png")
    return root


def arguments(folder, *more):
    return ["runtimes", str(folder / "micro.tflite"), "--data", str(folder / "data"), "--images", "0", *more]


@pytest.fixture
def made_for_micro(monkeypatch):
    """The fixture's file has no source; a file of `tformer convert` says what it was made for."""
    monkeypatch.setattr(runtimes, "made_for", lambda file: "micro")


def test_every_runtime_is_compared(folder, made_for_micro, tmp_path, capsys):
    picture = tmp_path / "answers.png"
    assert main(arguments(folder, "--json", "--picture", str(picture))) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    rows = {row["runtime"]: row for row in report["runtimes"]}
    assert list(rows) == ["LiteRT, reference", "LiteRT, xnnpack", "TensorFlow Lite Micro"]
    assert report["images"] == 12
    assert [row["exact"] for row in rows.values()] == [True, False, True]
    assert rows["TensorFlow Lite Micro"]["different"] == 0
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n" and "need not" in captured.err
    # The reference's accuracy, by the device side.
    right = 0
    with Model(folder / "micro.tflite", kernels="reference") as model:
        for number in range(len(LABELS)):
            for path in (folder / "data" / "test" / f"class{number}").iterdir():
                right += model.predict(path).top[0].index == number
    assert rows["LiteRT, reference"]["top1"] == pytest.approx(right / 12)


def test_a_bit_that_must_not_differ_is_exit_code_1(folder, made_for_micro, monkeypatch, capsys):
    real = runtimes.run_in_micro

    def flipped(flatbuffer, inputs, count):
        run = real(flatbuffer, inputs, count)
        outputs = run.outputs[0].copy()
        outputs[5, 0, 0] ^= 1
        return dataclasses.replace(run, outputs=[outputs])

    monkeypatch.setattr(runtimes, "run_in_micro", flipped)
    assert main(arguments(folder, "--json")) == 1
    row = json.loads(capsys.readouterr().out)["runtimes"][-1]
    assert row["different"] == 1 and row["largest_lsb"] == 1


def test_the_contract_says_what_a_file_was_made_for():
    file = read_model_file(file_bytes())
    assert runtimes.made_for(file) == ""
    source = {"conversion": {"target": "micro"}}
    contract = dataclasses.replace(file.contract, source=source)
    assert runtimes.made_for(dataclasses.replace(file, contract=contract)) == "micro"
    contract = dataclasses.replace(file.contract, source={"conversion": "by hand"})
    assert runtimes.made_for(dataclasses.replace(file, contract=contract)) == ""


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--pi", "{folder}/nothing"], "tools/pi_sysroot.sh"),
        (["--images", "-1"], "--images"),
        (["--data", "digits"], "labels below 4 (the classes)"),
        (["--data", "{folder}/nothing"], "nothing"),
        (["--picture", "{folder}/data"], "which is a folder"),
    ],
)
def test_what_cannot_be_compared(folder, more, words, capsys):
    assert main(arguments(folder, *(word.format(folder=folder) for word in more))) == 2
    assert words in capsys.readouterr().err


def test_a_file_without_a_contract_and_one_of_float32(folder, tmp_path, capsys):
    for data, words in (
        (read_model_file(file_bytes()).flatbuffer, "a file with a contract"),
        (file_bytes("float32"), "a model of integers"),
    ):
        (tmp_path / "other.tflite").write_bytes(data)
        command = ["runtimes", str(tmp_path / "other.tflite"), "--data", str(folder / "data")]
        assert main(command) == 2
        assert words in capsys.readouterr().err

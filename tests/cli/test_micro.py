"""`tformer micro` end to end: sources, budgets, JSON, and one sentence for what cannot be."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from tests.deploy.micro.scene_files import scene_file
from tests.deploy.micro.test_firmware import file_bytes
from tformer_cli.main import main
from tformer_edge.contract import read_model_file, write_model_file

pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("micro") / "odd.tflite"
    path.write_bytes(file_bytes())
    return path


def test_it_writes_sources_and_a_picture(model, tmp_path, capsys):
    out = tmp_path / "firmware"
    assert main(["micro", str(model), "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert sorted(path.name for path in out.iterdir()) == sorted(report["files"])
    assert (out / "memory.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert report["flash_bytes"] == len(read_model_file(model).flatbuffer) and report["planned"]
    arena = report["arena"]
    assert arena["measured"] == arena["head"] + arena["tail"] > 0
    assert 0 <= arena["reserved"] - arena["measured"] - 2048 < 16
    assert [one["different"] for one in report["golden"]] == [0, 0]
    # Nothing is overwritten unasked, and with --force the same bytes come out.
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert main(["micro", str(model), "--out", str(out)]) == 2
    assert main(["micro", str(model), "--out", str(out), "--force"]) == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(("task", "source"), [("detection", "detections.h"), ("segmentation", "class_map.h")])
def test_a_decoder_and_its_memory_are_in_the_table(task, source, tmp_path, capsys):
    (tmp_path / "scene.tflite").write_bytes(scene_file(task))
    arguments = ["micro", str(tmp_path / "scene.tflite"), "--out", str(tmp_path / "firmware")]
    assert main(arguments) == 0
    table = capsys.readouterr().out
    assert main([*arguments, "--force", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["decoder_bytes"] > 0 and f"{report['decoder_bytes']:,} bytes of static memory" in table
    assert source in report["files"] and {path.name for path in (tmp_path / "firmware").iterdir()} == set(
        report["files"]
    )
    assert [one["different"] for one in report["golden"]] == [0, 0]


@pytest.mark.parametrize(
    ("budgets", "words"),
    [
        (["--flash", "10kB"], "flash of 10,000 bytes"),
        (["--arena", "9KiB"], "arena of 9,216 bytes"),
        (["--flash", "1", "--arena", "1"], "over) and the arena"),
    ],
)
def test_budgets_say_by_how_much(model, tmp_path, capsys, budgets, words):
    assert main(["micro", str(model), "--out", str(tmp_path / "firmware"), *budgets]) == 2
    error = capsys.readouterr().err
    assert words in error and " over)" in error and "64-bit machine" in error
    assert not (tmp_path / "firmware").exists()
    assert main(["micro", str(model), "--out", str(tmp_path / "f"), "--flash", "1MiB", "--arena", "1mb"]) == 0


@pytest.mark.parametrize("size", ["much", "10 GB", "-1", "1.5kB", "kB"])
def test_a_size_that_is_none(model, tmp_path, capsys, size):
    assert main(["micro", str(model), "--out", str(tmp_path / "f"), f"--arena={size}"]) == 2
    assert "--arena: expected a number of bytes" in capsys.readouterr().err


def _float32(path: Path) -> None:
    path.write_bytes(file_bytes("float32"))


def _no_contract(path: Path) -> None:
    path.write_bytes(read_model_file(file_bytes()).flatbuffer)


def _wrong_golden(path: Path) -> None:
    file = read_model_file(file_bytes())
    import dataclasses
    import hashlib

    golden = [dataclasses.replace(file.golden[0], output=bytes(4)), *file.golden[1:]]
    records = [
        dataclasses.replace(record, output_sha256=hashlib.sha256(one.output).hexdigest())
        for record, one in zip(file.contract.golden, golden, strict=True)
    ]
    contract = dataclasses.replace(file.contract, golden=tuple(records))
    path.write_bytes(write_model_file(file.flatbuffer, contract, file.labels, golden))


def _hostile(path: Path) -> None:
    """A flatbuffer that points outside, with a contract whose SHA-256 is right."""
    import dataclasses
    import hashlib

    file = read_model_file(file_bytes())
    flatbuffer = bytearray(file.flatbuffer)
    random = np.random.default_rng(0)
    for at in random.integers(8, 400, 60):
        struct.pack_into("<B", flatbuffer, int(at), int(random.integers(256)))
    contract = dataclasses.replace(file.contract, flatbuffer_sha256=hashlib.sha256(flatbuffer).hexdigest())
    path.write_bytes(write_model_file(bytes(flatbuffer), contract, file.labels, file.golden))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_text("no model"), "expected 'TFL3'"),
        (lambda path: path.write_bytes(file_bytes()[:-9]), "zip"),
        (_no_contract, "with a contract"),
        (_float32, "integers in and out"),
        (_wrong_golden, "other output values for the golden vector"),
        (_hostile, "expected a flatbuffer"),
        (lambda path: None, "No such file"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(make, words, tmp_path, capsys):
    make(tmp_path / "model.tflite")
    assert main(["micro", str(tmp_path / "model.tflite"), "--out", str(tmp_path / "firmware")]) == 2
    error = capsys.readouterr().err
    assert words in error and len(error.strip().splitlines()) == 1 and "Traceback" not in error
    assert not (tmp_path / "firmware").exists()


def test_a_file_in_the_folders_place(model, tmp_path, capsys):
    (tmp_path / "firmware").write_text("")
    assert main(["micro", str(model), "--out", str(tmp_path / "firmware")]) == 2
    assert "received the file" in capsys.readouterr().err

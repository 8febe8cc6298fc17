"""The contract reader: every example file, mutations of good ones, the writer, the folder of golden vectors."""

import dataclasses
import errno
import hashlib
import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tformer_edge.archive import read_archive, write_archive
from tformer_edge.contract import (
    Contract,
    Golden,
    describe,
    read_model_file,
    save_model_file,
    write_model_file,
)
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.quantized_input import QuantizedType, input_table, quantize_pixels, takes_pixels
from tformer_edge.refusal import Refusal

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "contract"
EXAMPLES = json.loads((FOLDER / "examples" / "index.json").read_text())
VECTORS = json.loads((FOLDER / "vectors" / "index.json").read_text())
GOOD = [entry["file"] for entry in EXAMPLES if entry["accepted"] and entry["contract"]]

FLATBUFFER = b"\x1c\0\0\0TFL3" + bytes(40)
LABELS = ["cat", "dog"]
GOLDEN = [Golden("noise", bytes(range(48)), b"\x01\xff", 1)]


def contract_of(**changes: Any) -> Contract:
    facts = {"name": "tiny", "image": Preprocessing((4, 4)), "versions": {"keras": "3"}} | changes
    return describe(FLATBUFFER, LABELS, GOLDEN, **facts)


def example(name: str) -> bytes:
    return (FOLDER / "examples" / name).read_bytes()


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("entry", EXAMPLES, ids=lambda entry: entry["file"])
def test_example(entry: dict[str, Any]) -> None:
    path = FOLDER / "examples" / entry["file"]
    if not entry["accepted"]:
        with pytest.raises(Refusal, match="^expected .*, received .*; .*$") as error:
            read_model_file(path)
        assert error.value.rule == entry["rule"]
        assert str(path) in str(error.value)
        return
    file = read_model_file(path)
    assert len(file.flatbuffer) == entry["flatbuffer_bytes"]
    assert path.read_bytes().startswith(file.flatbuffer)
    expected = entry["contract"]
    if expected is None:
        assert (file.contract, file.labels, file.golden) == (None, (), ())
        return
    contract = file.contract
    assert contract is not None
    assert list(file.labels) == expected["labels"]
    assert contract.image == Preprocessing.from_json(expected["preprocessing"])
    for name in (
        "name",
        "task",
        "batch",
        "input_type",
        "output_type",
        "output_meaning",
        "source",
        "accuracy",
    ):
        assert getattr(contract, name) == expected[name], name
    read = [(one.name, one.input.hex(), one.output.hex(), one.xnnpack_difference) for one in file.golden]
    keys = ("name", "input", "output", "xnnpack_difference")
    assert read == [tuple(one[key] for key in keys) for one in expected["golden"]]


@pytest.mark.parametrize(("name", "folder"), [("make_examples", "examples"), ("make_vectors", "vectors")])
def test_generated_files_are_current(name: str, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = script(name, monkeypatch).make()
    stale = script("generated", monkeypatch).stale(FOLDER / folder, made)
    assert not stale, f"run .venv/bin/python tests/contract/{name}.py"


def test_every_rule_is_documented_and_has_an_example() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "tformer_edge").glob("*.py"))
    used = set(re.findall(r'(?:Refusal|_check_sha256|_unpack)\([^"()]*"([a-z0-9-]+)"', sources))
    rules = (ROOT / "docs/contract.md").read_text().split("\n## Rules\n")[1]
    documented = set(re.findall(r"^\| `([a-z0-9-]+)` \|", rules, re.MULTILINE))
    assert used == documented
    # No file in a repository can be missing, or longer than 576 MiB.
    assert used - {"file", "file-size"} == {entry["rule"] for entry in EXAMPLES if not entry["accepted"]}


@pytest.mark.parametrize("name", ["good.tflite", "good_no_golden.tflite", "good_source.tflite"])
def test_every_flipped_byte_is_refused(name: str) -> None:
    data = example(name)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1 + position * 37 % 255
        with pytest.raises(Refusal):
            read_model_file(bytes(changed))


@pytest.mark.parametrize("name", GOOD)
def test_every_truncation_is_refused(name: str) -> None:
    """All but those in the flatbuffer or the first header, which leave no trace of a contract."""
    data = example(name)
    start = len(read_model_file(data).flatbuffer)
    for length in range(len(data)):
        try:
            file = read_model_file(data[:length])
        except Refusal:
            continue
        assert file.contract is None and length < start + 40


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(GOOD), st.data())
def test_random_damage_is_refused_or_changes_nothing(name: str, draw: st.DataObject) -> None:
    data = example(name)
    start, stop = sorted((draw.draw(st.integers(0, len(data))), draw.draw(st.integers(0, len(data)))))
    changed = data[:start] + draw.draw(st.binary(max_size=30)) + data[stop:]
    try:
        file = read_model_file(changed)
    except Refusal:
        return
    assert file.contract is None or file == read_model_file(data)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(GOOD), st.data())
def test_damaged_json_in_a_sound_zip_is_refused_or_read(name: str, draw: st.DataObject) -> None:
    """The SHA-256 and CRC do not help against a stranger, who computes them anew."""
    archive = read_archive(example(name), "model.json")
    assert archive
    start, entries = archive
    text = entries["model.json"]
    first, last = sorted((draw.draw(st.integers(0, len(text))), draw.draw(st.integers(0, len(text)))))
    token = st.sampled_from(
        [b"", b"-1", b"1e5", b"null", b"true", b"[]", b"{}", b'"x"', b'"', b"\\u0000", b"\xff"]
    )
    entries["model.json"] = text[:first] + draw.draw(token) + text[min(last, first + 12) :]
    try:
        contract = read_model_file(example(name)[:start] + write_archive(start, entries.items())).contract
    except Refusal:
        return
    assert contract and Contract.from_bytes(contract.to_bytes()) == contract


@settings(max_examples=200, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner)
                    | st.dictionaries(st.text(), inner), max_leaves=30))  # fmt: skip
def test_any_json_in_a_known_place_is_refused_or_read(value: Any) -> None:
    document = json.loads(contract_of().to_bytes())
    for section in (document, document["input"], document["labels"], document["golden"][0]):
        for key in section:
            changed = json.dumps(document | {key: value} if section is document else document)
            if section is not document:
                kept, section[key] = section[key], value
                changed = json.dumps(document)
                section[key] = kept
            try:
                contract = Contract.from_bytes(changed.encode())
            except Refusal:
                continue
            assert Contract.from_bytes(contract.to_bytes()) == contract


def test_written_parts_come_back_and_twice_the_same() -> None:
    contract = contract_of(
        source={"depths": (1, 1, 2, 1), "b": 1, "a": {"d": 1, "c": 2}}, accuracy={"top1": 0.75}
    )
    data = write_model_file(FLATBUFFER, contract, LABELS, GOLDEN)
    file = read_model_file(data)
    assert (file.flatbuffer, file.contract, list(file.labels)) == (FLATBUFFER, contract, LABELS)
    assert list(file.golden) == GOLDEN
    assert contract.source == {"a": {"c": 2, "d": 1}, "b": 1, "depths": [1, 1, 2, 1]}
    again = contract_of(
        source={"b": 1, "a": {"c": 2, "d": 1}, "depths": [1, 1, 2, 1]}, accuracy={"top1": 0.75}
    )
    assert write_model_file(FLATBUFFER, again, LABELS, GOLDEN) == data


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"flatbuffer": FLATBUFFER + b"\0"}, "flatbuffer-size"),
        ({"flatbuffer": FLATBUFFER[:-1] + b"\1"}, "flatbuffer-sha256"),
        ({"flatbuffer": b"PK\3\4" + bytes(44)}, "flatbuffer-identifier"),
        ({"labels": ["cat", "cow"]}, "labels-sha256"),
        ({"labels": ["cat", "\ud83d"]}, "labels-sha256"),
        ({"golden": []}, "golden-count"),
        ({"golden": [dataclasses.replace(GOLDEN[0], output=b"\1\2")]}, "golden-sha256"),
        ({"golden": [dataclasses.replace(GOLDEN[0], name="other")]}, "contract-field"),
        ({"golden": GOLDEN * 17}, "zip-entries"),
    ],
)
def test_writer_refuses_parts_that_do_not_fit(changes: dict[str, Any], rule: str) -> None:
    parts = {
        "flatbuffer": FLATBUFFER,
        "contract": contract_of(),
        "labels": LABELS,
        "golden": GOLDEN,
    } | changes
    with pytest.raises(Refusal) as error:
        write_model_file(**parts)
    assert error.value.rule == rule


@pytest.mark.parametrize("label", ["", "two\nlines", "\x07", "\ud83d", "x" * 257])
def test_writer_refuses_a_bad_label(label: str) -> None:
    labels = ["cat", label]
    contract = describe(FLATBUFFER, labels, GOLDEN, name="tiny", image=Preprocessing((4, 4)))
    with pytest.raises(Refusal, match="labels.txt|lines of"):
        write_model_file(FLATBUFFER, contract, labels, GOLDEN)


@pytest.mark.parametrize(
    "changes",
    [{"name": "\ud83d"}, {"source": {"x": float("nan")}}, {"source": {"x": object()}}, {"source": []},
     {"source": {"x": "\ud83d"}}, {"task": "poetry"}, {"batch": True}, {"versions": {"": "1"}}],
)  # fmt: skip
def test_contract_refuses_a_value_out_of_range(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="^expected .* of model.json to be"):
        contract_of(**changes)


def test_save_replaces_whole_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(b"the one before")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(UserError, match="no space left"):
            save_model_file(path, FLATBUFFER, contract_of(), LABELS, GOLDEN)
    assert path.read_bytes() == b"the one before"
    save_model_file(path, FLATBUFFER, contract_of(), LABELS, GOLDEN)
    assert read_model_file(path).contract == contract_of()
    assert [item.name for item in tmp_path.iterdir()] == ["model.tflite"]
    with pytest.raises(UserError, match="no such file.*give a folder"):
        save_model_file(tmp_path / "none" / "model.tflite", FLATBUFFER, contract_of(), LABELS, GOLDEN)


@pytest.mark.parametrize("name", ["missing.tflite", "folder", "pipe", "null\0.tflite"])
def test_a_path_that_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refusal) as error:
        read_model_file(tmp_path / name)
    assert error.value.rule == "file"


def read_ppm(data: bytes) -> np.ndarray:
    magic, size, depth, pixels = data.split(b"\n", 3)
    assert (magic, depth) == (b"P6", b"255")
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: f"{case['image']}-{case['pixels_sha256'][:6]}")
def test_vector(case: dict[str, Any]) -> None:
    """Against the rule of docs/contract.md in scalars: slow, and written from the document alone."""
    source = read_ppm((FOLDER / "vectors" / case["image"]).read_bytes())
    given = dict(case["input"])
    dtype = given.pop("type")
    assert (given.pop("batch"), given.pop("channels")) == (1, 1 if given["channel_order"] == "grey" else 3)
    if given.get("encoding") == "pixels":
        del given["mean"], given["std"]
    preprocessing = Preprocessing((given.pop("height"), given.pop("width")), **given)
    pixels = preprocessing.pixels(source)
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == case["pixels_sha256"]
    tensor = np.empty(pixels.shape, dtype)
    for (row, column, channel), value in np.ndenumerate(pixels):
        real = (int(value) / 255 - preprocessing.mean[channel]) / preprocessing.std[channel]
        low, high = (-128, 127) if dtype == "int8" else (0, 255)
        if preprocessing.encoding == "pixels":
            real = int(value) + (low if dtype != "float32" else 0)
        elif dtype != "float32":
            # Python's round goes to the even neighbour of a tie.
            real = min(max(round(real / case["scale"]) + case["zero_point"], low), high)
        tensor[row, column, channel] = real
    assert hashlib.sha256(tensor.tobytes()).hexdigest() == case["tensor_sha256"]


@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", 0), ("uint8", 128)])
def test_pixels_that_are_their_own_values_are_copied(dtype: QuantizedType, zero_point: int) -> None:
    pixels = np.arange(2 * 128 * 3, dtype=np.uint8).reshape(2, 128, 3)
    raw = Preprocessing((2, 128), encoding="pixels")
    exact = Preprocessing((2, 128), mean=(128 / 255,) * 3, std=(0.25,) * 3)
    wanted = pixels.astype(np.int16) - (128 if dtype == "int8" else 0)
    for table in (input_table(raw, 0.3, 5, dtype), input_table(exact, 1 / 63.75, zero_point, dtype)):
        assert takes_pixels(table)
        given = quantize_pixels(pixels, table)
        assert given.dtype == dtype and (given == wanted).all()
        assert np.shares_memory(given, pixels) == (dtype == "uint8")
        # One value of one channel is another one: looked up.
        table[2, 77] += 1
        assert not takes_pixels(table)
        other = quantize_pixels(pixels, table)
        assert ((other != given) == (pixels == 77) * [False, False, True]).all()


def test_input_table_refuses_what_no_tensor_has() -> None:
    image = Preprocessing((4, 4))
    for scale, zero_point in (
        (0.0, 0),
        (-1.0, 0),
        (float("nan"), 0),
        (float("inf"), 0),
        (0.1, 128),
        (0.1, -129),
    ):
        with pytest.raises(UserError, match="positive scale and a zero point"):
            input_table(image, scale, zero_point)
    with pytest.raises(UserError, match="uint8 and shape"):
        quantize_pixels(np.zeros((2, 2, 3), np.float32), input_table(image, 0.1, 0))  # type: ignore[arg-type]

"""Updates by training: what moves, what stays to the bit, what it costs, and going on after an interruption."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from sklearn.datasets import load_digits

from tformer_cli.main import main
from tformer_edge.contract import read_model_file
from tformer_edge.errors import Failure
from tformer_edge.graph import read_graph
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.update.delta import apply_delta, make_delta
from tformer_keras.deploy.conversion import convert
from tformer_keras.deploy.conversion_options import ConversionOptions
from tformer_keras.deploy.graph_source import AS_TRAINED, GraphSource
from tformer_keras.deploy.int8.quantized_file import read_arrays
from tformer_keras.deploy.int8.quantized_model import load_quantized
from tformer_keras.deploy.model_conversion import convert_model, file_of
from tformer_keras.deploy.tflite.metadata import NOTHING_SAID
from tformer_keras.deploy.tflite.pack import pack
from tformer_keras.deploy.update.update_bytes import Dress, dress_of, moved_constants
from tformer_keras.deploy.update.update_run import as_a_run
from tformer_keras.training import callbacks
from tformer_keras.training.checkpoint import save_checkpoint
from tformer_keras.training.saved_model import open_model

OPTIONS = ["--epochs", "4", "--learning-rate", "0.01", "--shares", "5", "--batch-size", "32", "--json"]
CLASSES = 4


def write_images(folder: Path, split: str, digits: Any, which: range, shift: bool) -> None:
    for index in which:
        label = int(digits.target[index])
        if label >= CLASSES:
            continue
        pixels = np.rint(digits.images[index] * (255 / 16))
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
        if shift:  # dark ink on blue paper
            pixels = (140, 180, 230) - 0.4 * pixels
        path = folder / split / str(label) / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained model, `int8` of it, and new images: `new`."""
    folder = tmp_path_factory.mktemp("update")
    digits = load_digits()
    for name, shift in (("old", False), ("new", True)):
        write_images(folder / name, "train", digits, range(500), shift)
        write_images(folder / name, "test", digits, range(500, 800), shift)
    # What a refused layer name of another test leaves in Keras' scopes would end this one's optimizer.
    keras.backend.clear_session()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    hidden = keras.layers.Conv2D(16, 3, activation="relu", name="first")(inputs)
    hidden = keras.layers.Conv2D(32, 3, activation="relu", name="second")(hidden)
    hidden = keras.layers.GlobalAveragePooling2D(name="pool")(hidden)
    model = keras.Model(inputs, keras.layers.Dense(CLASSES, name="head")(hidden))
    chosen = digits.target[:500] < CLASSES
    pixels = np.repeat(digits.images[:500][chosen][..., None] / 16, 3, axis=-1)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.optimizer.learning_rate = 0.01
    model.fit((pixels - 0.5) / 0.5, digits.target[:500][chosen], epochs=8, verbose=0)
    run = folder / "float"
    run.mkdir()
    model.save(run / "model.keras")
    config = {
        "run": {"seed": 0},
        "task": "classification",
        "model": {"name": "small", "config": {}},
        "class_names": [str(digit) for digit in range(CLASSES)],
        "preprocessing": Preprocessing((8, 8), mean=(0.5,) * 3, std=(0.5,) * 3).to_json(),
    }
    (run / "config.json").write_text(json.dumps(config))
    command = ["quantize", str(run), "--data", str(folder / "old"), "--ptq", "--out", str(folder / "int8")]
    assert main(command) == 0
    return folder


def command(space: Path, out: Path, *more: str, budget: str = "20%") -> list[str]:
    return [
        *("update", str(space / "int8"), "--data", str(space / "new"), "--budget", budget),
        *("--out", str(out), *OPTIONS, *more),
    ]


@pytest.fixture(scope="module")
def updated(space: Path) -> Path:
    assert main(command(space, space / "updated")) == 0
    return space / "updated"


@pytest.fixture(scope="module")
def files(space: Path, updated: Path) -> tuple[bytes, bytes]:
    """The deployed file and the updated one, as `tformer convert` writes them."""
    options = ConversionOptions(verify=False)
    return tuple(convert_model(folder, options)[0].to_bytes() for folder in (space / "int8", updated))  # type: ignore[return-value]


def report(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text())


def test_the_best_that_fits_is_chosen_and_wins(updated: Path) -> None:
    found = report(updated)
    rows = {row["name"]: row for row in found["updates"]}
    assert {"head", "5 %", "all"} <= set(rows)
    before, chosen = found["deployed"]["value"], rows[found["chosen"]]
    assert rows["all"]["value"] > before + 0.2, "the new images are no shift"
    assert chosen["value"] > before + 0.1 and chosen["bytes"] <= found["budget_bytes"] < rows["all"]["bytes"]
    assert chosen["value"] == max(row["value"] for row in rows.values() if row["fits"])
    assert found["evaluation"]["top1"] == chosen["value"]
    assert chosen["moved"] <= chosen["may_move"] and rows["all"]["may_move"] == max(
        row["may_move"] for row in rows.values()
    )
    assert {path.name for path in updated.iterdir()} == {
        *(
            "config.json",
            "confusion.png",
            "model.keras",
            "quantized.npz",
            "report.json",
            "stages",
            "updates.png",
        ),
    }


def test_the_bytes_are_those_of_the_files(updated: Path, files: tuple[bytes, bytes]) -> None:
    import hashlib

    deployed, new = files
    found = report(updated)
    delta = make_delta(deployed, new)
    assert apply_delta(deployed, delta, len(new)) == new
    (row,) = [row for row in found["updates"] if row["name"] == found["chosen"]]
    assert (len(delta), len(deployed)) == (row["bytes"], found["deployed"]["bytes"])
    assert hashlib.sha256(new).hexdigest() == found["file_sha256"]


def test_a_name_of_another_length_costs_its_own_bytes(space: Path, files: tuple[bytes, bytes]) -> None:
    """It stands in the metadata, before all weights, and in the contract: two places, and what follows has moved."""
    renamed = space / ("of another length" * 4)
    shutil.copytree(space / "int8", renamed)
    new = convert_model(renamed, ConversionOptions(verify=False))[0].to_bytes()
    assert len(new) - len(files[0]) > 100
    assert len(make_delta(files[0], new)) < 900


def test_how_certain_a_shipped_model_was_is_not_said_of_its_update(tmp_path: Path) -> None:
    trained = open_model("tformer_micro_cifar10_small")
    quantized = load_quantized(trained.model, trained.quantized)
    shipped = GraphSource(trained, quantized, AS_TRAINED, False, ())
    conversion = convert(quantized)
    for source, said in ((shipped, True), (as_a_run(shipped, tmp_path / "run"), False)):
        contract = file_of(source, conversion).contract
        assert (contract.certainty is not None) is said
    assert contract.name == "run"


def test_only_chosen_numbers_differ_by_the_runtime_s_own_account(
    updated: Path, files: tuple[bytes, bytes]
) -> None:
    interpreters = [Interpreter(model_content=read_model_file(data).flatbuffer) for data in files]
    for one in interpreters:
        one.allocate_tensors()
    old, new = (one.get_tensor_details() for one in interpreters)
    for left, right in zip(old, new, strict=True):
        for kind in ("scales", "zero_points"):
            np.testing.assert_array_equal(
                left["quantization_parameters"][kind], right["quantization_parameters"][kind]
            )
        assert left["shape"].tolist() == right["shape"].tolist() and left["dtype"] == right["dtype"]
    # What two tensors share stands in the file once.
    graph = read_graph(read_model_file(files[0]).flatbuffer)
    constants = {one.buffer: one.index for one in graph.tensors if one.constant_bytes}
    moved = 0
    for index in constants.values():
        before, after = (one.get_tensor(index) for one in interpreters)
        moved += int(np.count_nonzero(before != after))
    found = report(updated)
    assert moved == next(row["moved"] for row in found["updates"] if row["name"] == found["chosen"])


def test_what_was_not_chosen_keeps_its_value_to_the_bit(space: Path, updated: Path) -> None:
    before, ranges = read_arrays(space / "int8" / "quantized.npz")[1:]
    after, same = read_arrays(updated / "quantized.npz")[1:]
    found = report(updated)
    (row,) = [row for row in found["updates"] if row["name"] == found["chosen"]]
    assert ranges == same and before.keys() == after.keys()
    moved = sum(int(np.count_nonzero(before[name] != after[name])) for name in before)
    assert 0 < moved <= row["may_move"] < 0.5 * sum(array.size for array in before.values())
    for name in ("first/kernel", "second/kernel", "head/kernel"):
        axes = tuple(range(before[name].ndim - 1))
        assert (np.abs(before[name]).max(axes) == np.abs(after[name]).max(axes)).all(), "a scale has moved"
    head = read_arrays(updated / "stages" / "head" / "quantized.npz")[1]
    assert {name for name in before if not np.array_equal(before[name], head[name])} == {
        "head/kernel",
        "head/bias",
    }


def test_interrupted_in_a_later_stage_it_comes_to_the_same(
    space: Path,
    updated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "updated"  # the same name stands in the contract

    def save_and_interrupt(folder: Path, number: int, *state: Any) -> Path:
        path = save_checkpoint(folder, number, *state)
        if folder.parent.name == "5-percent":
            os.kill(os.getpid(), signal.SIGINT)
        return path

    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "save_checkpoint", save_and_interrupt)
        assert main(command(space, out)) == 130
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"finished": False, "out": str(out)}
    assert not (out / "report.json").exists() and "give the same command again" in captured.err
    assert main(command(space, out)) == 0
    said = capsys.readouterr().err
    assert "resuming after epoch 1 and 0 steps" in said and "training all" not in said
    left, right = report(out), report(updated)
    for one in (left, right):
        del one["seconds"]
    assert left == right
    assert (out / "quantized.npz").read_bytes() == (updated / "quantized.npz").read_bytes()
    assert main(command(space, out)) == 0
    assert "is finished" in capsys.readouterr().err
    assert main(command(space, out, budget="10%")) == 2
    assert "other values of budget" in capsys.readouterr().err


def test_an_update_of_an_update_and_mistakes_before_any_training(
    space: Path, updated: Path, files: tuple[bytes, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deployed.tflite").write_bytes(files[1])
    shutil.copytree(space / "new", tmp_path / "fewer")
    for split in ("train", "test"):
        shutil.rmtree(tmp_path / "fewer" / split / "3")
    out = tmp_path / "run"
    for more, expected in (
        (["--budget", "5"], "--budget: expected more than the"),
        (["--budget", "0"], "--budget: expected 1 byte or more"),
        (["--budget", "101%"], "--budget: expected a share"),
        (["--budget", "much"], "--budget: expected a number of bytes"),
        (["--shares", "0"], "--shares: expected"),
        (["--set", "mean=(0,0,0)"], "--set mean: expected no such setting"),
        (["--set", "freeze_ranges_from=1.0"], "--set freeze_ranges_from"),
        (["--data", str(tmp_path / "fewer")], "expected images of the model's 4 classes"),
        (["--deployed", str(tmp_path / "deployed.tflite")], "--deployed: expected the file that"),
        (["--out", str(space / "float")], "--out: expected a new folder"),
    ):
        assert main(command(space, out, *more)) == 2, more
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("tformer: error: ") and expected in error
        assert not out.exists()
    assert main(["update", str(space / "float"), "--data", str(space / "new"), "--budget", "5%"]) == 2
    assert "expected a quantized model" in capsys.readouterr().err
    again = [
        "update",
        str(updated),
        "--data",
        str(space / "new"),
        "--budget",
        "1%",
        "--out",
        str(out),
        *OPTIONS,
    ]
    assert main([*again, "--deployed", str(tmp_path / "deployed.tflite"), "--epochs", "1"]) == 2
    # The model and the file fit together; what is left of the budget does not buy one weight.
    assert "bytes that the contract of any new file costs" in capsys.readouterr().err and not out.exists()
    # As files were before tensors had names, and metadata.
    plain = convert_model(updated, ConversionOptions(verify=False, names="none", metadata=None))[0]
    (tmp_path / "plain.tflite").write_bytes(plain.to_bytes())
    assert main([*again, "--deployed", str(tmp_path / "plain.tflite"), "--epochs", "1"]) == 2
    assert "bytes that the contract of any new file costs" in capsys.readouterr().err


def test_an_update_is_dressed_as_the_deployed_file(files: tuple[bytes, bytes]) -> None:
    flatbuffer = read_model_file(files[0]).flatbuffer
    assert dress_of(flatbuffer) == Dress("short", NOTHING_SAID)
    assert dress_of(flatbuffer).arguments("litert") == ""
    plain = dress_of(pack(flatbuffer).flatbuffer)
    assert plain.arguments("litert") == " --names none --no-metadata"
    assert plain.arguments("micro") == ""


def test_another_layout_is_no_update(space: Path, files: tuple[bytes, bytes]) -> None:
    deployed, new = (read_model_file(data).flatbuffer for data in files)
    assert moved_constants(deployed, deployed) == 0 < moved_constants(deployed, new)
    other = convert_model(space / "int8", ConversionOptions(verify=False, io="uint8"))[0].flatbuffer
    with pytest.raises(Failure, match="another graph"):
        moved_constants(deployed, other)

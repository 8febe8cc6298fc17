"""The commands end to end: exit codes, JSON, one line for a mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tformer_cli.main import main
from tformer_keras.models.weights import SHIPPED
from tools.make_catalogue import text

ROOT = Path(__file__).parents[2]
TINY = [
    "--input-size", "8", "--model-set", "width=1.0", "--model-set", "widths=(16,)", "--model-set", "depths=(1,)",
    "--model-set", "stem_stride=2", "--limit-steps", "2", "--epochs", "1", "--batch-size", "16",
]  # fmt: skip


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("commands") / "run"
    assert main(["train", "digits", "--out", str(out), *TINY]) == 0
    return out


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(path)
    return path


def result(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out)


def test_train_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "digits", "--out", str(tmp_path / "run"), *TINY, "--json"]
    for _ in range(2):  # the second time it is finished already
        assert main(arguments) == 0
        report = result(capsys)
        assert report["finished"] and report["epochs"] == 1 and report["evaluation"]["images"] == 32


def test_evaluate(run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = tmp_path / "new" / "seen"
    command = ["evaluate", "digits", "--model", str(run_folder), "--json", "--pictures"]
    assert main([*command, str(seen)]) == 0
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert report["pictures"] == str(seen) and [path.name for path in seen.iterdir()] == ["confusion.png"]
    (tmp_path / "file").touch()
    for taken in (tmp_path / "file", tmp_path / "file" / "below"):
        assert main([*command, str(taken)]) == 2
        assert "Traceback" not in capsys.readouterr().err
    assert report["images"] == 360 and len(report["per_class"]) == 10 and "top-5" in captured.err
    assert np.trace(report["confusion"]) == pytest.approx(360 * report["top1"])
    mean = [str(128 / 255)] * 3  # of the recipe
    bare = [
        "evaluate", "digits", "--model", str(run_folder / "model.keras"), "--json", "--resize", "stretch",
        "--mean", *mean, "--std", "0.5", "0.5", "0.5", "--labels", str(run_folder / "labels.txt"),
    ]  # fmt: skip
    (run_folder / "labels.txt").write_text("\n".join(map(str, range(10))))
    assert main(bare) == 0
    assert result(capsys)["confusion"] == report["confusion"]


def test_predict(run_folder: Path, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(image), str(image), "--model", str(run_folder), "--top", "2", "--json"]) == 0
    images = result(capsys)["images"]
    assert len(images) == 2 and images[0] == images[1]
    first, second = images[0]["top"]
    assert (
        1 >= first["probability"] >= second["probability"] > 0
        and first["label"] != second["label"] == images[0]["top"][1]["label"]
    )
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nonsense")
    assert (
        main(["predict", str(broken), str(image), "--model", str(run_folder), "--json", "--skip-unreadable"])
        == 1
    )
    report = result(capsys)
    assert report["skipped"] == [str(broken)] and len(report["images"]) == 1


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json"]) == 0
    lists = result(capsys)
    assert "tformer_s" in lists["models"] and set(lists["recipes"]) >= {
        "imagenet",
        "cifar10",
        "digits",
        "finetune",
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "nowhere"], "nowhere"),
        (["train", "digits", "--model", "tformer_xl"], "tformer_xl"),
        (["train", "digits", "--recipe", "mnist"], "expected one of imagenet"),
        (["train", "digits", "--epochs", "0"], "epochs"),
        (["train", "digits", "--learning-rate", "nan"], "finite"),
        (["train", "digits", "--input-size", "0x3"], "--input-size"),
        (["train", "digits", "--set", "colour=1"], "colour"),
        (["train", "digits", "--model-set", "colour=1"], "colour"),
        (["train", "digits", "--model-set", "classes=3"], "classes"),
        (
            ["train", "digits", "--model-set", "widths=(3,)", "--model-set", "depths=(1,)"],
            "at least 10 channels",
        ),
        (["train", "digits", "--teacher", "nowhere.keras"], "nowhere.keras"),
        (["train", "digits", "--process-id", "1"], "--processes"),
        (["train", "digits", "--limit-steps", "0"], "--limit-steps"),
        (
            [
                "evaluate",
                "digits",
                "--model",
                "tformer_micro_cifar10",
                "--std",
                "1",
                "1",
                "1",
                "--crop-fraction",
                "0.9",
            ],
            "--mean, --std, --resize and --labels together",
        ),
        (["quantize", "nowhere", "--data", "digits"], "nowhere"),
        (["evaluate", "digits", "--model", "nowhere"], "nowhere"),
        (["predict", "x.png", "--model", "."], "model.keras"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("tformer: error: ") and expected in error and "\n" not in error


def test_wrong_classes(run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / split / name).mkdir(parents=True)
            Image.new("RGB", (9, 9), "red").save(tmp_path / split / name / "a.png")
    assert main(["evaluate", str(tmp_path), "--model", str(run_folder)]) == 2
    assert "10 classes, received 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [[], ["train"], ["quantize"], ["evaluate"], ["predict"], ["list"], ["sizes"]]
)
def test_help_has_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([*command, "--help"])
    assert exit_.value.code == 0 and "examples:" in capsys.readouterr().out


def test_backend_is_chosen_before_keras_is_imported() -> None:
    """In a process of its own, whatever KERAS_BACKEND says."""
    code = (
        "import sys; from tformer_cli.main import main\n"
        "sys.argv[1:] = ['sizes', '--model', 'nowhere', '--backend', 'jax']\n"
        "code = main(); import keras; print(keras.backend.backend(), file=sys.stderr); sys.exit(code)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2 and done.stderr.splitlines()[-1] == "jax", done.stderr


def test_a_backend_that_comes_too_late_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    other = "jax" if keras.backend.backend() != "jax" else "tensorflow"
    assert main(["sizes", "--backend", other]) == 2
    assert f"set KERAS_BACKEND={other}" in capsys.readouterr().err


def test_help_does_not_wait_for_keras() -> None:
    code = (
        "import sys, tformer_cli.main as cli\n"
        "for command in ([], *([name] for name in cli.COMMANDS)):\n"
        "    try: cli.main([*command, '--help'])\n"
        "    except SystemExit as exit_: assert exit_.code == 0\n"
        "loaded = {'keras', 'tensorflow', 'jax'} & set(sys.modules); assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_command_speaks_without_tensorflows_greetings() -> None:
    code = "import sys, tformer_cli.main as cli; sys.exit(cli.main(['list']))"
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0 and "tformer_micro" in done.stdout
    assert done.stderr == ""


# Where the paper's figure is not what its model counts, as docs/benchmarks.md says of each.
OTHERWISE = {
    ("5", "PVT-Small", "parameters"),
    ("5", "PoolFormer-S24", "macs"),
    ("7", "ResNet-18", "parameters"),
    ("7", "ResNet-50", "parameters"),
    ("7", "ResNet-101", "parameters"),
    ("7", "PoolFormer-S24", "parameters"),
}


def test_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sizes", "--json"]) == 0
    rows = result(capsys)["rows"]
    assert {row["table"][-2] for row in rows if "paper," in row["table"]} == set("13567")
    sizes = {row["label"]: row["parameters"] for row in rows if row["table"][-2] not in "67"}
    assert sizes["ResNet-18"] == 11_689_512 and sizes["ResNet-50"] == 25_557_032
    assert [row["label"] for row in rows if row["parameters"] is None] == ["DeiT-S (0.3-12)"]
    compared = 0
    for row in rows:
        for figure, unit, name in (("parameters", 1e6, "parameters_millions"), ("macs", 1e9, "gmacs")):
            printed = row["paper"][name]
            if row[figure] is None or printed == "–":
                continue
            if (row["table"][-2], row["label"], figure) in OTHERWISE:
                continue
            compared += 1
            decimals = len(printed.partition(".")[2])
            # One unit in the last printed digit is allowed for the Ghost rows alone.
            # The paper prints 0.83 for what is 0.825 to three digits.
            rounds_up = printed == "0.83" or "Ghost" in row["label"]
            allowed = 10.0**-decimals if rounds_up else 0
            difference = abs(round(row[figure] / unit, decimals) - float(printed))
            assert difference == pytest.approx(allowed) or difference < 1e-9, row
    assert compared == 61
    ours = {(row["table"][-2], row["label"]): row for row in rows if "TFormer" in row["label"]}
    counts = {"S": (18_115_508, 12_132_182), "M": (24_053_684, 18_070_358), "L": (29_991_860, 24_008_534)}
    for size, expected in counts.items():
        found = [ours[table, f"TFormer-{size}"] for table in "67"]
        assert tuple(row["parameters"] for row in found) == expected
    assert ours["6", "TFormer-M"]["paper"]["ap_large"] == "52.9"
    assert ours["7", "TFormer-M"]["paper"]["miou"] == "40.8"


def test_the_catalogue_is_current() -> None:
    assert (ROOT / "tformer_cli" / "catalogue.json").read_text(encoding="utf-8") == text()


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    done = subprocess.run(
        f"{sys.executable} -m tformer_cli list | true; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == ""


def test_without_the_training_packages_one_sentence_says_what_to_install() -> None:
    block = (
        "import importlib.util, sys\nreal = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, package=None: None if name == 'keras' else real(name, package)\n"
        "from tformer_cli.main import main\nsys.exit(main(sys.argv[1:]))"
    )
    for arguments, code in ((["list"], 0), (["train", "digits"], 2), (["sizes"], 2)):
        done = subprocess.run(
            [sys.executable, "-c", block, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == code, done.stderr
        assert code == 0 or (
            done.stderr.count("\n") == 1 and "pip install 'tformer-keras[train]'" in done.stderr
        )


def test_sizes_of_a_file(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sizes", "--model", str(run_folder / "model.keras"), "--json"]) == 0
    (row,) = result(capsys)["rows"]
    assert row["parameters"] > 0 and row["macs"] > 0
    assert main(["sizes", "--model", "nowhere.keras"]) == 2
    assert "nowhere.keras" in capsys.readouterr().err


def test_weights_of_a_run_bring_its_shape(run_folder: Path, tmp_path: Path) -> None:
    weights = [
        "--weights",
        str(run_folder / "model.keras"),
        "--recipe",
        "finetune",
        "--out",
        str(tmp_path / "run"),
    ]
    steps = ["--epochs", "2", "--set", "frozen_epochs=1", "--limit-steps", "1", "--input-size", "8"]
    assert main(["train", "digits", *weights, *steps]) == 0
    before = json.loads((run_folder / "config.json").read_text())["model"]["config"]
    after = json.loads((tmp_path / "run" / "config.json").read_text())["model"]["config"]
    assert after["widths"] == before["widths"] == [16] and after["stem_stride"] == before["stem_stride"]


@pytest.mark.parametrize("name", list(SHIPPED))
def test_shipped_models_predict_by_name(name: str, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(image), "--model", name, "--json"]) == 0
    (prediction,) = result(capsys)["images"]
    found = next(prediction[key] for key in ("top", "objects", "areas") if key in prediction)
    assert {one["label"] for one in found} <= set(SHIPPED[name].config["class_names"])

"""The `tformer-edge` command on small real files: answers, exit codes and sentences."""

import json
import subprocess
import sys

import pytest
from PIL import Image

from tests.edge.tiny_models import LABELS, PREPROCESSING, raw
from tformer_edge.cli import COMMANDS, main
from tformer_edge.model import Model


@pytest.fixture(scope="session")
def images(photos, tmp_path_factory):
    path = tmp_path_factory.mktemp("images")
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(path / f"{number}.png")
    (path / "notes.txt").write_text("no image")
    return path


def test_run_prints_what_the_model_predicts(folder, images, photos, capsys):
    assert main(["run", str(folder / "int8-1.tflite"), str(images), "--json", "--top", "2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["image"] for line in lines] == [str(images / f"{n}.png") for n in range(6)]
    with Model(folder / "int8-1.tflite") as model:
        for line, photo in zip(lines, photos, strict=True):
            assert {key: line[key] for key in ("label", "sure", "top")} == model.predict(
                photo, top=2
            ).to_json()
    assert main(["run", str(folder / "int8-1.tflite"), str(images / "0.png")]) == 0
    assert capsys.readouterr().out.startswith(f"{images / '0.png'}: {lines[0]['label']} ")


def test_run_reads_standard_input(folder, images):
    command = [sys.executable, "-m", "tformer_edge.cli", "run", str(folder / "int8-1.tflite"), "-"]
    with open(images / "0.png", "rb") as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("-: ") and done.stderr == ""


def test_a_damaged_image_is_named_and_the_others_go_on(folder, images, tmp_path, capsys):
    (tmp_path / "a.png").write_bytes((images / "0.png").read_bytes()[:40])
    (tmp_path / "b.png").write_bytes((images / "1.png").read_bytes())
    assert main(["run", str(folder / "int8-1.tflite"), str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith(str(tmp_path / "b.png")) and len(captured.out.splitlines()) == 1
    assert "a.png" in captured.err and "1 of 2" in captured.err


def test_a_file_without_a_contract_by_hand(folder, images, tmp_path, capsys):
    (tmp_path / "raw.tflite").write_bytes(raw(folder / "int8-1.tflite"))
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    arguments = ["run", str(tmp_path / "raw.tflite"), str(images / "0.png"), "--json"]
    hand = ["--size", *map(str, PREPROCESSING.input_size), "--resize", PREPROCESSING.resize]
    hand += ["--crop-fraction", str(PREPROCESSING.crop_fraction), "--meaning", "logits"]
    hand += ["--mean", *map(str, PREPROCESSING.mean), "--std", *map(str, PREPROCESSING.std)]
    hand += ["--labels", str(tmp_path / "labels.txt")]
    assert main(arguments + hand) == 0
    by_hand = json.loads(capsys.readouterr().out)
    assert main(["run", str(folder / "int8-1.tflite"), str(images / "0.png"), "--json"]) == 0
    assert by_hand["top"] == json.loads(capsys.readouterr().out)["top"]
    assert main(arguments) == 2
    assert "preprocessing, labels and meaning" in capsys.readouterr().err
    assert main(arguments + hand[:3]) == 2
    assert "--mean, --std, --resize, --labels, --meaning" in capsys.readouterr().err
    (tmp_path / "labels.txt").write_bytes(b"\xff")
    assert main(arguments + hand) == 2
    assert "not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "{model}", "nothing.png"], "nothing.png"),
        (["run", "{model}", "{empty}"], "received none of the files"),
        (["run", "no.tflite", "a.png"], "no.tflite"),
        (["run", "{model}", "{image}", "--top", "0"], "top of at least 1"),
        (["selftest", "{model}", "--threads", "0"], "1 to 256 threads"),
        (["selftest", "{image}"], "expected"),
    ],
)
def test_mistakes_are_one_sentence(arguments, words, folder, images, tmp_path, capsys):
    names = {"model": folder / "int8-1.tflite", "image": images / "0.png", "empty": tmp_path}
    assert main([argument.format(**names) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error


def test_selftest_says_whether_this_machine_computes_right(folder, capsys):
    assert main(["selftest", str(folder / "int8-1.tflite"), "--kernels", "reference", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["passed"] and [vector["difference"] for vector in result["vectors"]] == [0, 0]
    assert main(["selftest", str(folder / "int8-1.tflite")]) == 0
    assert "this machine computes right" in capsys.readouterr().out


def test_selftest_fails_with_code_1(folder, monkeypatch, capsys):
    real = Model.run
    monkeypatch.setattr(Model, "run", lambda self, tensor: [output ^ 0x40 for output in real(self, tensor)])
    assert main(["selftest", str(folder / "int8-1.tflite")]) == 1
    assert "FAILED" in capsys.readouterr().out


def test_help_needs_neither_numpy_nor_litert():
    program = (
        "import sys; from tformer_edge.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'numpy', 'PIL', 'ai_edge_litert'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_by_examples(name, capsys):
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    out = capsys.readouterr().out
    assert end.value.code == 0 and "--json" in out
    examples = [
        line.split()[1] for line in out.split("examples:\n")[1].splitlines() if "tformer-edge" in line
    ]
    assert examples and set(examples) <= {name, "-s"}  # curl -s … | tformer-edge run

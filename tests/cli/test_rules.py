"""`--rules FILE.py`: a layer of the user's own converts, in a fresh process that does not know its class."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_process import ROOT
from tformer_cli.main import main
from tformer_edge.contract import read_model_file

RULES = """
import keras
from tformer_keras.deploy.graph.rules import register_rule

@keras.saving.register_keras_serializable("mine")
class Half(keras.layers.Layer):
    def call(self, inputs):
        return inputs * FACTOR

@register_rule(Half)
def lower_half(call):
    return call.graph.add(call.node("scale_by", value=0.5))
"""
MAKE = """
import sys; sys.path.insert(0, sys.argv[1])
import keras, my_rules
inputs = keras.Input((8, 8, 3), name="image")
x = my_rules.Half(name="mine")(keras.layers.Conv2D(4, 3, name="before")(inputs))
keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))).save(sys.argv[1] + "/model.keras")
"""


def run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=600
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_rules.py").write_text(RULES.replace("FACTOR", "0.5"))
    (tmp_path / "labels.txt").write_text("a\nb\n")
    made = run("-c", MAKE, tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path


def arguments(folder: Path, *more: object) -> list[str]:
    bare = ("--mean", 0, 0, 0, "--std", 1, 1, 1, "--resize", "stretch", "--labels", folder / "labels.txt")
    return [str(one) for one in ("convert", folder / "model.keras", "--fp16", *bare, *more)]


def test_a_layer_of_ones_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules, out = folder / "my_rules.py", folder / "model.tflite"
    done = run("-m", "tformer_cli", *arguments(folder, "--rules", rules, "--out", out))
    assert done.returncode == 0, done.stderr
    assert read_model_file(out).labels == ("a", "b")
    # The same rule for a layer that computes something else is found out, and nothing is written.
    rules.write_text(RULES.replace("FACTOR", "0.75"))
    wrong = run("-m", "tformer_cli", *arguments(folder, "--rules", rules, "--out", folder / "wrong.tflite"))
    assert wrong.returncode == 2 and "first in layer 'mine' of class Half" in wrong.stderr
    assert not (folder / "wrong.tflite").exists()
    # Here nobody has imported the class.
    assert main(arguments(folder, "--out", folder / "other.tflite")) == 2
    err = capsys.readouterr().err
    assert "the layer Half" in err and "--rules" in err and "Traceback" not in err
    rules.write_text("import nothing_of_this_name")
    assert main(arguments(folder, "--rules", rules, "--out", folder / "broken.tflite")) == 2
    assert "--rules: expected a file that runs" in capsys.readouterr().err

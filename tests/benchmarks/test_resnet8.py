"""benchmarks/resnet8.py: MLPerf Tiny's graph to the number, trained as every other run."""

import json
from pathlib import Path

from benchmarks.resnet8 import PARAMETERS, main, resnet8
from benchmarks.resnet9 import resnet9
from tformer_keras.models.counting import count
from tformer_keras.training.saved_model import open_model


def test_graph_is_mlperf_tinys() -> None:
    """78,666 parameters, 480 of them moving statistics, and 12.5 million multiply-accumulates: the paper's."""
    model = resnet8()
    assert model.count_params() == PARAMETERS
    size = count(model)
    assert (size.parameters, size.macs) == (78_186, 12_501_632)


def test_trains_and_opens_as_a_run(tmp_path: Path, capsys) -> None:
    """The folder is a run for every command, and the same command again finds it finished; a ResNet-9 teaches."""
    teacher = tmp_path / "teacher.keras"
    resnet9(widths=(4, 4, 4, 4)).save(teacher)
    command = [
        "digits",
        "--recipe",
        "digits",
        "--epochs",
        "1",
        "--limit-steps",
        "2",
        "--teacher",
        str(teacher),
        "--out",
        str(tmp_path / "run"),
    ]
    assert main([*command, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["finished"] and report["evaluation"]["images"] > 0
    assert json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))["run"]["teacher"] == str(teacher)
    trained = open_model(tmp_path / "run")
    assert trained.model.count_params() == PARAMETERS and trained.preprocessing.input_size == (32, 32)
    assert main(command) == 0
    assert "is finished" in capsys.readouterr().out

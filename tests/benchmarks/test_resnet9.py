"""benchmarks/resnet9.py: the teacher's graph, and that a student can learn from its run."""

import json
from pathlib import Path

from benchmarks.resnet9 import main, resnet9
from tformer_keras.models.counting import count


def test_graph_is_pages() -> None:
    """Eight 3×3 convolutions without bias, a norm behind each, and a linear layer: counted by hand for both widths."""
    for widths in ((32, 64, 128, 256), (64, 128, 256, 512)):
        a, b, c, d = widths
        kernels = 9 * (3 * a + a * b + 2 * b * b + b * c + c * d + 2 * d * d)
        size = count(resnet9(widths=widths))
        assert size.parameters == kernels + 2 * (a + 3 * b + c + 3 * d) + 10 * d
        pixels = 1024 * (3 * a + a * b) + 256 * (2 * b * b + b * c) + 64 * c * d + 16 * 2 * d * d
        assert size.macs == 9 * pixels + 10 * d


def test_trains_and_teaches(tmp_path: Path, capsys) -> None:
    """Its folder holds a `.keras` file that the student's own command takes as `--teacher`."""
    from benchmarks.resnet8 import main as train_resnet8

    short = [
        "digits",
        "--recipe",
        "digits",
        "--epochs",
        "1",
        "--limit-steps",
        "2",
        "--batch-size",
        "16",
        "--json",
    ]
    assert main([*short, "--out", str(tmp_path / "teacher")]) == 0
    assert json.loads(capsys.readouterr().out)["finished"]
    teacher = str(tmp_path / "teacher" / "model.keras")
    assert train_resnet8([*short, "--teacher", teacher, "--out", str(tmp_path / "student")]) == 0
    assert json.loads(capsys.readouterr().out)["finished"]
    record = json.loads((tmp_path / "student" / "config.json").read_text("utf-8"))
    assert record["run"]["teacher"] == teacher

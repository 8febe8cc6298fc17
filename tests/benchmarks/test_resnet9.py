"""benchmarks/resnet9.py: the teacher's graph."""

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


def test_teaches_through_its_command(tmp_path: Path, capsys) -> None:
    """What it saves is a `.keras` file for a student (test_resnet8.py); its command is as finished as others."""
    assert main([str(tmp_path / "nothing"), "--out", str(tmp_path / "run")]) == 2
    assert "benchmarks/resnet9.py: " in capsys.readouterr().err and not (tmp_path / "run").exists()

"""The table of TFLite Micro: one model measured for real, and mistakes in one sentence."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks import micro
from tformer_edge.errors import UserError


def test_one_row_is_measured(monkeypatch, capsys):
    pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")

    def tiny():
        from tformer_keras import TFormerMicro

        return TFormerMicro(input_shape=(32, 32, 3), classes=2, depths=(1, 0, 0, 0))

    for name, plan in (("micro", True), ("micro_unplanned", False)):
        monkeypatch.setitem(micro.MODELS, name, micro.Model(name, tiny, plan=plan))
    command = ["micro.py", "--only", "micro", "micro_unplanned", "--count", "32", "--json"]
    monkeypatch.setattr(sys, "argv", command)
    assert micro.main() == 0
    planned, unplanned = json.loads(capsys.readouterr().out)["rows"]
    assert planned["equal"] == planned["images"] == 32 and planned["answers"] > 8
    assert planned["arena"] == planned["head"] + planned["tail"] < unplanned["arena"]
    assert planned["flash"] > unplanned["flash"] and planned["operations"] == unplanned["operations"]


def test_images_come_from_photographs_or_a_folder(tmp_path):
    crops = micro.photo_crops(5)
    assert len(crops) == 5 and len({crop.tobytes() for crop in crops}) == 5
    assert all(100 <= min(crop.shape[:2]) == max(crop.shape[:2]) <= 300 for crop in crops)
    for number in range(4):
        (tmp_path / "a").mkdir(exist_ok=True)
        Image.fromarray(np.full((3, 3, 3), number, np.uint8)).save(tmp_path / "a" / f"{number}.png")
    assert [int(image[0, 0, 0]) for image in micro.folder_images(tmp_path, 2)] == [0, 2]
    with pytest.raises(UserError, match="at least 5 images"):
        micro.folder_images(tmp_path, 5)


def test_too_few_images_are_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["micro.py", "--count", "3"])
    assert micro.main() == 2
    assert "--count: expected at least 32" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "most_arena", "most_flash"),
    [
        ("micro", 100_000, 450_000),
        ("cifar10", 150_000, 450_000),
        ("cifar10_small", 60_000, 90_000),
        ("cifar10_large", 80_000, 500_000),
        ("segmenter_tiny", 120_000, 370_000),
    ],
)
def test_the_models_for_microcontrollers(name, most_arena, most_flash):
    """The 96×96 variants and the shipped models: to the bit on 60 real images, and within their budgets."""
    pytest.importorskip("tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]")
    row = micro.measure(name, micro.photo_crops(60), None)
    assert row.equal == row.images == 60 and row.answers > 30
    assert row.arena <= most_arena and row.flash <= most_flash

"""benchmarks/input_pipeline.py: its table from a small folder, and what it says where torchvision is not there."""

import json
import sys

import numpy as np
from PIL import Image

from benchmarks.input_pipeline import main
from tools import imagenet_layout


def test_speeds_of_a_small_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        sys, "argv", ["imagenet_layout", str(tmp_path / "data"), "--images", "40", "--classes", "2"]
    )
    imagenet_layout.main()
    assert len(list((tmp_path / "data" / "train").rglob("*.JPEG"))) == 36
    command = [str(tmp_path / "data"), "--batch-size", "4", "--batches", "6", "--workers", "0"]
    assert main([*command, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["pipeline"] == "tformer-keras" and row["workers"] == 0
    assert row["images_per_second"] > 0 and row["images_per_cpu_second"] > 0
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert main([*command, "--torchvision"]) == 2
    assert "pip install torchvision" in capsys.readouterr().err


def test_masks_have_the_recipe_and_size_that_training_chooses(tmp_path, capsys):
    for split in ("train", "test"):
        for folder, pixels in (
            ("images", np.zeros((40, 60, 3), np.uint8)),
            ("masks", np.eye(40, 60, dtype=np.uint8)),
        ):
            (tmp_path / folder / split).mkdir(parents=True)
            for number in range(2):
                Image.fromarray(pixels).save(tmp_path / folder / split / f"{number}.png")
    command = [str(tmp_path), "--batches", "40", "--batch-size", "2", "--workers", "0"]
    assert main([*command, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["images_per_cpu_second"] > 0
    assert main([*command, "--torchvision"]) == 2
    assert "take imagenet" in capsys.readouterr().err

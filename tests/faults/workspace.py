"""What the commands work on: a run, its quantized run, model files, a picture, made once by the commands themselves."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.faults.process import ROOT, environment

SMALL = ["--limit-steps", "2", "--batch-size", "8"]
TINY = [
    *("--model-set", "width=1.0", "--model-set", "widths=(16,24)", "--model-set", "depths=(1,1)"),
    *("--model-set", "layer_scale=0.5"),
]


@dataclass(frozen=True)
class Workspace:
    """Attributes: `folder`, where all of it lies, and the paths in it."""

    folder: Path

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def quantized(self) -> Path:
        return self.folder / "quantized"

    @property
    def keras(self) -> Path:
        return self.folder / "run" / "model.keras"

    @property
    def model(self) -> Path:
        return self.folder / "model.tflite"

    @property
    def micro(self) -> Path:
        return self.folder / "micro.tflite"

    @property
    def photo(self) -> Path:
        return self.folder / "photo.png"


def make(folder: Path) -> Workspace:
    """Trains, quantizes and converts a tiny model of the digits."""
    space = Workspace(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    Image.fromarray(pixels).save(space.photo)
    for arguments in (
        ["train", "digits", "--epochs", "1", *SMALL, *TINY, "--out", space.run],
        ["quantize", space.run, "--data", "digits", "--epochs", "1", *SMALL, "--out", space.quantized],
        ["convert", space.quantized, "--int8", "--out", space.model],
        ["convert", space.quantized, "--int8", "--target", "micro", "--out", space.micro],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "tformer_cli", *map(str, arguments)],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return space

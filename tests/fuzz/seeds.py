"""The good files that mutations start from: small real models with their contracts, made by the converter."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.edge.tiny_models import MAKE
from tests.fuzz.layout import Seed

ROOT = Path(__file__).parents[2]
NAMES = ("int8-1.tflite", "int8-4.tflite", "uint8-1.tflite", "float32-1.tflite")


def make_seeds(folder: Path) -> None:
    """Makes the seed files in `folder`, where they are not there yet. Needs TensorFlow; 20 s."""
    if folder.is_dir():
        return
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        subprocess.run(
            [sys.executable, "-c", MAKE, str(temporary)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            timeout=600,
        )
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_seeds(folder: Path) -> list[Seed]:
    """The seed files, always in one order."""
    return [Seed.of((folder / name).read_bytes()) for name in NAMES]

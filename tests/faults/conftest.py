"""A model file for the commands that start in a moment."""

import subprocess
import sys

import pytest

from tests.edge.tiny_models import MAKE
from tests.faults.process import ROOT


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    """The bytes of a small int8 model file with a contract."""
    folder = tmp_path_factory.mktemp("faults")
    command = [sys.executable, "-c", MAKE, str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return (folder / "int8-1.tflite").read_bytes()

"""Files of one small int8 model, and images for it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.edge.tiny_models import MAKE

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Files of one model with each type of input, and with a batch of 4, made by another process."""
    path = tmp_path_factory.mktemp("models")
    subprocess.run(
        [sys.executable, "-c", MAKE, str(path)], cwd=ROOT, check=True, capture_output=True, timeout=300
    )
    return path


@pytest.fixture(scope="session")
def photos():
    random = np.random.default_rng(5)
    return [random.integers(0, 256, (20 + i, 31, 3), dtype=np.uint8) for i in range(6)]


@pytest.fixture(scope="session")
def folder(models):
    return models

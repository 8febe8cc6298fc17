"""The seed files of the fuzz tests."""

import pytest

from tests.fuzz.seeds import make_seeds, read_seeds


@pytest.fixture(scope="session")
def fuzz_folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz")
    make_seeds(path / "seeds")
    return path


@pytest.fixture(scope="session")
def seeds(fuzz_folder):
    return read_seeds(fuzz_folder / "seeds")

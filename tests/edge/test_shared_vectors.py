"""The answers that android_demo/core is held to are what this package says today."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "contract"


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_answers_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """As tests/contract/test_mutations_are_current.py does for the damaged files."""
    made = script("make_answers", monkeypatch).make()
    stale = script("generated", monkeypatch).stale(FOLDER / "answers", made)
    assert not stale, "run .venv/bin/python tests/contract/make_answers.py"

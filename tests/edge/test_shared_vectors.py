"""The damaged files and the answers that android_demo/core is held to are what this package says today."""

import importlib.util
import json
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


@pytest.mark.parametrize("name", ["mutations", "answers"])
def test_index_is_current(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = script(f"make_{name}", monkeypatch).make()
    stale = script("generated", monkeypatch).stale(FOLDER / name, made)
    assert not stale, f"run .venv/bin/python tests/contract/make_{name}.py"


def test_mutations_reach_nearly_every_rule() -> None:
    verdicts = {verdict for _, _, verdict in json.loads((FOLDER / "mutations" / "index.json").read_text())}
    rules = {
        entry["rule"]
        for entry in json.loads((FOLDER / "examples" / "index.json").read_text())
        if "rule" in entry
    }
    # These take a whole entry, or 64 kB, of malice: the examples have them.
    assert rules - verdicts <= {
        "entries",
        "zip-duplicate",
        "json-size",
        "contract-format",
        "golden-count",
        "flatbuffer-size",
    }
    assert "plain" in verdicts

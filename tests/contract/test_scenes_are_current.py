"""The vectors that android_demo/core reads boxes and class maps by are what `tformer_edge` says today."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


def test_scenes_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from generated import stale
    from make_scenes import make

    assert not stale(FOLDER / "scenes", make()), "run .venv/bin/python tests/contract/make_scenes.py"

"""`mutations/index.json` is what make_mutations.py makes now, and enough of each kind to compare two readers by."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
INDEX = FOLDER / "mutations" / "index.json"


def test_mutations_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    from generated import stale
    from make_mutations import make

    made = make()
    assert not stale(INDEX.parent, made), "run .venv/bin/python tests/contract/make_mutations.py"
    assert make() == made, "the same seed made other mutations"


def test_mutations_reach_most_rules_and_read_files_as_well() -> None:
    verdicts = Counter(verdict for _, _, verdict in json.loads(INDEX.read_text()))
    rules = (FOLDER.parents[1] / "docs/contract.md").read_text().split("\n## Rules\n")[1]
    documented = {line.split("`")[1] for line in rules.splitlines() if line.startswith("| `")}
    # Edits as small as these do not make or take whole entries, nor long files; examples do.
    rare = {"file", "file-size", "json-size", "entries", "zip-duplicate", "flatbuffer-size", "golden-count"}
    assert documented - set(verdicts) <= rare
    assert sum(verdicts.values()) >= 2000
    assert sum(verdicts[rule] for rule in verdicts if rule not in documented and rule != "plain") >= 50
    assert INDEX.stat().st_size < 300_000

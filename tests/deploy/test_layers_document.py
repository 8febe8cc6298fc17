"""docs/layers.md is what `python -m tools.layer_table` writes: its rows are all there, and some are measured again."""

import pytest

from tformer_keras.deploy.graph.rules.registry import _RULES
from tools.layer_table import DOCUMENT, HEAD, TABLE, document, row

TEXT = DOCUMENT.read_text("utf-8")
ROWS = [line for line in TEXT.removeprefix(HEAD).splitlines() if line.startswith("| ")]


def test_the_document_is_current():
    assert [one.split("|")[1].strip() for one in ROWS] == list(TABLE)
    assert document(ROWS) == TEXT


def test_every_layer_with_a_rule_is_named_in_it():
    names = {one.__name__ for one in _RULES if isinstance(one, type) and "layers" in one.__module__}
    named = {name for name in names if name in TEXT}
    assert names - named - {"BatchNormalization"} == set()


@pytest.mark.parametrize("name", ["Conv2DTranspose", "ELU", "Concatenate, a sigmoid among them"])
def test_rows_measured_again(name):
    def verdict(line):
        return [cell.strip().split(",")[0] for cell in line.split("|")[1:5]]

    assert verdict(row(name)) == verdict(ROWS[list(TABLE).index(name)])

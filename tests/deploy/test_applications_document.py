"""docs/applications.md is what `python -m tools.applications_table` writes, and names all of keras.applications."""

import inspect

import keras

from benchmarks.applications import SMALLEST
from tools.applications_table import DOCUMENT, HEAD, SMALL, UNMEASURED, members, row, unmeasured_row

TEXT = DOCUMENT.read_text("utf-8")
ROWS = [line for line in TEXT.removeprefix(HEAD.format(small=SMALL)).splitlines() if line.startswith("| ")]


def test_every_member_is_named():
    functions = {name for name, one in inspect.getmembers(keras.applications, inspect.isfunction)}
    names = [one.split("|")[1].strip() for one in ROWS]
    assert names == members() and set(names) == functions


def test_the_document_is_current():
    assert HEAD.format(small=SMALL) + "\n".join(ROWS) + "\n" == TEXT


def test_each_familys_smallest_has_an_int8_file_or_a_reason():
    cells = {one.split("|")[1].strip(): [cell.strip() for cell in one.split("|")[2:9]] for one in ROWS}
    for name in SMALLEST:
        size, _, lowered, int8, partitions, length, remarks = cells[name]
        assert int(size) == SMALLEST[name]
        proven = lowered and float(lowered) <= 1e-4 and int8.endswith("%") and partitions and length
        assert proven or remarks


def test_what_is_not_measured_claims_nothing():
    for line in ROWS:
        if UNMEASURED in line:
            assert line == unmeasured_row(line.split("|")[1].strip())


def test_a_refusal_has_its_reason_in_the_row():
    found = {"name": "VGG16", "size": 224, "parameters": 1234, "remarks": ["Expected this."]}
    assert row(found) == "| VGG16 | 224 | 1,234 | no | no |  |  | Expected this. |"

"""The table of updates: what is chosen, and what it says."""

import pytest

from tformer_keras.deploy.update.update_report import Tried, UpdateTable
from tformer_keras.tasks.task import Figure


def tried(name: str, bytes_: int, value: float) -> Tried:
    return Tried(name, bytes_, bytes_, bytes_, Figure("top-1", value, "%"))


ALL = [tried("all", 900, 0.9), tried("5 %", 50, 0.85), tried("1 %", 10, 0.85), tried("head", 30, 0.5)]


@pytest.mark.parametrize(
    ("most", "name"), [(9, None), (10, "1 %"), (49, "1 %"), (50, "1 %"), (899, "1 %"), (900, "all")]
)
def test_the_best_that_fits_and_of_equals_the_smaller(most: int, name: str | None) -> None:
    best = UpdateTable(Figure("top-1", 0.4, "%"), 1000, most, ALL).best()
    assert (best.name if best else None) == name


def test_text_json_and_picture_say_the_same() -> None:
    table = UpdateTable(Figure("top-1", 0.4, "%"), 1000, 60, ALL)
    lines = table.text().splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == [
        "update",
        "deployed",
        "1 %",
        "head",
        "5 %",
        "all",
    ]
    assert lines[2].endswith("chosen") and lines[5].endswith("over the budget") and "90 %" in lines[4]
    found = table.to_json()
    assert found["chosen"] == "1 %" and [row["name"] for row in found["updates"]] == [
        "1 %",
        "head",
        "5 %",
        "all",
    ]
    assert found["updates"][1]["gain"] == pytest.approx(0.2) and found["updates"][3]["fits"] is False
    assert table.draw().startswith(b"\x89PNG")
    nothing = UpdateTable(Figure("top-1", 0.95, "%"), 1000, 60, ALL)
    assert nothing.to_json()["updates"][0]["gain"] is None and "of the gain" in nothing.text()

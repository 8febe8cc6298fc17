"""benchmarks/reduced_decoding.py: its table of one small size."""

import json

from benchmarks.reduced_decoding import main


def test_a_size_of_which_crops_can_be_halved(capsys):
    assert main(["--sizes", "640x480", "--crops", "3", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["kind"] for row in rows] == ["soft", "soft", "sharp", "sharp"]
    for row in rows:
        assert sum(row["parts"].values()) == 3 and set(row["parts"]) <= {"1", "2"}
        assert (row["changed"] > 0) == ("2" in row["parts"])
        assert row["changed"] < 5 and 0 < row["by_jpeg"] < 5

"""Medians, ratios, goals and the files that hold them."""

import csv
import io
import json

import numpy as np
import pytest

from benchmarks.comparison import (
    GOALS,
    OURS,
    Goal,
    Row,
    hold_against_goals,
    paired_ratio,
    summarise,
    write_csv,
    write_results,
)
from benchmarks.peers import PEERS
from benchmarks.provenance import provenance

RESNET = ("resnet18", "int8")


def describe(key):
    return {"label": key[0].upper(), "bytes": 1000, "partitions": 1}


def rows_of(samples, **changes):
    return summarise(samples, describe, **{"platform": "x86", "threads": 1, "unit": "ms", **changes})


def test_a_machine_that_slows_down_does_not_move_the_ratio():
    random = np.random.default_rng(0)
    drift = np.linspace(1, 9, 20)[:, None]  # the median of all samples would mix fast and slow rounds
    ours, theirs = 4 * drift * random.uniform(1, 1.01, (20, 5)), 8 * drift * random.uniform(1, 1.01, (20, 5))
    assert paired_ratio(theirs, ours) == pytest.approx(2, rel=0.02)


def test_a_round_that_was_interrupted_does_not_move_the_ratio():
    ours, theirs = np.full((9, 3), 4.0), np.full((9, 3), 8.0)
    ours[2], theirs[5, 1] = 400, 900
    assert paired_ratio(theirs, ours) == 2


def test_ratios_need_samples_of_the_same_rounds():
    with pytest.raises(ValueError, match=r"same rounds, received \(3, 2\) and \(4, 2\)"):
        paired_ratio(np.ones((3, 2)), np.ones((4, 2)))


def test_a_row_holds_quantiles_and_the_ratio_to_tformer():
    values = np.arange(1.0, 102.0).reshape(1, 101)
    ours, peer = rows_of({OURS: values, RESNET: 3 * values})
    assert (ours.median, ours.p10, ours.p90, ours.minimum) == (51, 11, 91, 1)
    assert (ours.samples, ours.ratio, peer.ratio, peer.label) == (101, 1, 3, "RESNET18")


def test_without_tformer_there_is_no_ratio():
    assert [row.ratio for row in rows_of({RESNET: np.ones((2, 2))})] == [None]


def held(ours, theirs, at_most, limits):
    goal = Goal("a", (OURS,), (RESNET,), at_most, limits)
    samples = {OURS: np.full((3, 2), ours), RESNET: np.full((3, 2), theirs)}
    return hold_against_goals(samples, platform="x86", threads=1, goals=[goal])


@pytest.mark.parametrize(
    "ours,at_most,limits,reached",
    [
        (9.0, True, {"x86": 0.9}, True),
        (9.1, True, {"x86": 0.9}, False),
        (25.0, False, {"x86": 2.5}, True),
        (24.9, False, {"x86": 2.5}, False),
        (9.0, True, {"cortex-a72": 0.5}, None),  # a ratio without a limit here
    ],
)
def test_a_goal_is_reached_or_not(ours, at_most, limits, reached):
    (result,) = held(ours, 10.0, at_most, limits)
    assert result.ratio == ours / 10
    assert result.reached is reached


def test_a_goal_takes_the_best_of_several_files():
    goal = Goal("best float32", (("tformer_s", "float"), ("tformer_s_stock", "float")), (OURS,), False, {})
    samples = {
        OURS: np.full((2, 2), 5.0),
        ("tformer_s", "float"): np.full((2, 2), 20.0),
        ("tformer_s_stock", "float"): np.full((2, 2), 15.0),
    }
    assert hold_against_goals(samples, platform="x86", threads=1, goals=[goal])[0].ratio == 3


def test_goals_without_their_models_are_left_out():
    assert hold_against_goals({OURS: np.ones((2, 2))}, platform="x86", threads=1) == []


def test_the_goals_name_models_and_kinds_that_are_made():
    named = {key for goal in GOALS for key in goal.above + goal.below}
    assert named <= {(name, kind) for name, peer in PEERS.items() for kind in peer.kinds}
    on = {
        platform: [goal.limits.get(platform) for goal in GOALS]
        for platform in ("x86", "cortex-a72", "cortex-a76")
    }
    # Design §3, "Numbers to reach".
    assert on["x86"] == [0.90, 1.2, 2.5, 3.3, 3.0]
    assert on["cortex-a72"][:2] == [0.68, 1.2] and on["cortex-a76"][:2] == [0.80, 1.2]


def test_every_line_of_the_csv_says_where_it_was_made():
    rows = rows_of({OURS: np.ones((2, 2)), RESNET: np.full((2, 2), 1 / 3)})
    file = io.StringIO()
    write_csv(file, rows, provenance(clock="wall"))
    lines = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [line["model"] for line in lines] == ["tformer_s", "resnet18"]
    assert list(lines[0]) == [
        *Row.__dataclass_fields__, "machine", "system", "versions", "commit", "date", "clock"
    ]  # fmt: skip
    assert lines[1]["median"] == "0.3333" and lines[1]["ratio"] == "0.3333"
    assert all(line["machine"] and "ai-edge-litert=" in line["versions"] and line["commit"] for line in lines)


def test_results_are_written_whole(tmp_path):
    rows = rows_of({OURS: np.ones((2, 2)), ("resnet18", "float"): np.full((2, 2), 2.0)})
    rows += rows_of({OURS: np.ones((2, 2))}, threads=2)
    goals = held(9.0, 10.0, True, {"x86": 0.9})
    paths = write_results(tmp_path / "out", "latency", rows, goals, provenance())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in paths)
    document = json.loads((tmp_path / "out" / "latency.json").read_text("utf-8"))
    assert [row["ratio"] for row in document["results"]] == [1, 2, 1]
    assert document["goals"][0]["reached"] is True and document["commit"]
    assert (tmp_path / "out" / "latency.png").read_bytes()[:4] == b"\x89PNG"

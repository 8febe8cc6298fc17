"""The ablations' rows are the paper's, and a study of them on digits goes on where it stopped."""

import json
import sys

import pytest

from benchmarks import ablation_models, ablation_runs, ablations
from benchmarks.ablation_models import build_row, form_config, small_config
from benchmarks.ablation_rows import CLAIMS, DEPTHWISE, NO_POOLING, QUESTIONS, ROWS, TABLES, TFORMER
from tformer_edge.command_line import guarded
from tformer_keras.layers import HybridPooling

# One stage of one block: its training is traced in a second.
TINY = {
    "width": 1.0,
    "widths": (16,),
    "depths": (1,),
    "stem_kernel": 3,
    "stem_stride": 2,
    "layer_scale": None,
}


def pooling_of(name):
    model = build_row(ROWS[name], small_config(ROWS[name], (32, 32), 10))
    return next(layer for layer in model.layers if isinstance(layer, HybridPooling))


@pytest.mark.parametrize(
    "name,operators,kernels,score",
    [
        ("average-3", ("average",), (3,), 77.2),
        ("average-9", ("average",), (9,), 76.8),
        ("average-3-5-7", ("average",), (3, 5, 7), 77.3),
        ("average-3-5-7-9-11", ("average",), (3, 5, 7, 9, 11), 77.7),
        ("average-max-3", ("average", "max"), (3,), 77.6),
        ("tformer", ("average", "max"), (3, 5, 7, 9, 11), 78.0),
    ],
)
def test_rows_of_table_2_pool_as_the_paper_says(name, operators, kernels, score):
    layer = pooling_of(name)
    assert (layer.operators, layer.kernels, TABLES["Table 2"][name]) == (operators, kernels, score)


def test_both_tables_are_whole_and_what_is_concluded_from_them_stands_there():
    assert [len(paper) for paper in TABLES.values()] == [10, 7] and len(ROWS) == 18
    assert list(TABLES["Table 3"].values()) == [70.8, 71.8, 73.2, 75.0, 75.5, 76.1, 78.4]
    for title, pairs in CLAIMS.items():
        assert all(TABLES[title][better] > TABLES[title][other] for better, other in pairs)
    assert all(set(pair) <= set(ROWS) for pair in QUESTIONS)


def test_rows_cost_what_the_paper_says_of_them():
    sizes = ablation_runs.sizes_of(list(ROWS.values()))
    for name in [*TABLES["Table 2"], NO_POOLING.name]:  # pooling has no parameters
        assert sizes[name] == sizes[TFORMER.name]
    # A filter of 3×3 for each channel of each block, at 16×16, 8×8, 8×8 and 4×4.
    more = sizes[DEPTHWISE.name].parameters - sizes[TFORMER.name].parameters
    assert more == 9 * (32 + 64 + 64 + 96)
    macs = sizes[DEPTHWISE.name].macs - sizes[TFORMER.name].macs
    assert macs == 9 * (32 * 256 + 2 * 64 * 64 + 96 * 16)
    for group in (("standard-r=1", "ghost-4", "pcs-r=4-g=4"), ("standard-r=2", "ghost-2", "tformer")):
        counts = [sizes[name].parameters for name in group]
        assert max(counts) < 1.07 * min(counts)
    assert sizes["standard-r=4"].parameters > 1.3 * sizes["tformer"].parameters


def test_speed_is_measured_of_the_same_rows_of_tformer_s():
    for row in ROWS.values():
        large, small = form_config(row, "tformer_s"), form_config(row, "small")
        assert (large.input_shape, large.widths, large.classes) == ((224, 224, 3), (64, 128, 320, 512), 1000)
        for field in ("operators", "kernels", "ffn", "expansion", "groups", "ghost_ratio"):
            assert getattr(large, field) == getattr(small, field)


def test_the_depthwise_row_is_the_same_graph_but_for_its_poolings():
    models = [build_row(row, small_config(row, (32, 32), 10)) for row in (TFORMER, DEPTHWISE)]
    for one, other in zip(*(model.layers for model in models), strict=True):
        assert one.name == other.name
        kinds = (type(one).__name__, type(other).__name__)
        assert kinds == ("HybridPooling", "DepthwiseConv2D") or kinds[0] == kinds[1]


@pytest.fixture
def study(monkeypatch, tmp_path):
    """The command on digits with some options more; its exit code. All models are tiny."""
    monkeypatch.setattr(ablation_models, "SMALL", TINY)
    monkeypatch.setattr(ablation_runs, "SMALL", TINY)
    monkeypatch.setattr(ablation_runs, "SIZE", (8, 8))

    def run(*options):
        given = ["digits", "--out", str(tmp_path), "--images", "128", "--test-images", "64", "--epochs", "1"]
        monkeypatch.setattr(sys, "argv", ["ablations", *given, "--only", "tformer", "depthwise", *options])
        return guarded("ablations", ablations.main)

    return run


def test_a_study_goes_on_where_it_stopped(study, monkeypatch, tmp_path, capsys):
    whole, trained = ablations.train_row, []

    def stopping(row, seed, *rest):
        if (row.name, seed) == ("depthwise", 1):
            raise KeyboardInterrupt
        return whole(row, seed, *rest)

    monkeypatch.setattr(ablations, "train_row", stopping)
    assert study("--seeds", "2") == 130 and "the same command goes on" in capsys.readouterr().err
    reports = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/report.json")}
    assert len(reports) == 3
    assert study("--seeds", "2", "--no-train") == 0  # the whole seed that is there
    assert "1 seed(s) of 2 row(s) have no spread" in capsys.readouterr().out

    def counting(row, seed, *rest):
        trained.append((row.name, seed))
        return whole(row, seed, *rest)

    monkeypatch.setattr(ablations, "train_row", counting)
    assert study("--seeds", "2") == 0
    assert len(trained) == 4 and all(path.stat().st_mtime_ns == time for path, time in reports.items())
    said = json.loads((tmp_path / "ablations.json").read_text())
    for name, values in said["top1"].items():
        for seed, value in enumerate(values):
            report = json.loads((tmp_path / f"{name}-seed{seed}" / "report.json").read_text())
            assert value == pytest.approx(100 * report["evaluation"]["top1"]) and report["epochs"] == 1
    text = (tmp_path / "ablations.md").read_text()
    assert capsys.readouterr().out.strip() == text.strip() and "| `tformer` than `depthwise` |" in text
    assert (tmp_path / "ablations.png").read_bytes().startswith(b"\x89PNG")
    assert study("--seeds", "2", "--epochs", "2") == 2  # another budget does not mix with what is there


@pytest.mark.parametrize("options,said", [(["--images", "99999"], "--images"), (["--seeds", "0"], "--seeds")])
def test_a_budget_that_cannot_be_is_refused(study, capsys, options, said):
    assert study(*options) == 2 and said in capsys.readouterr().err


def test_nothing_is_printed_of_no_whole_seed(study, capsys):
    assert study("--no-train") == 2 and "all rows of one seed" in capsys.readouterr().err

"""A row's int8 file is made once, runs as one part of XNNPACK, and is timed beside the others."""

from pathlib import Path

import pytest

from benchmarks import ablation_files, ablation_models
from benchmarks.ablation_latency import as_markdown, timed
from benchmarks.ablation_rows import DEPTHWISE, TFORMER
from tformer_keras.deploy.tflite.interpreter import LiteRT

TINY = {
    "width": 1.0,
    "widths": (16,),
    "depths": (1,),
    "stem_kernel": 3,
    "stem_stride": 4,
    "layer_scale": None,
}


@pytest.fixture(scope="module")
def depthwise(tmp_path_factory):
    """The file of the row with depthwise convolutions, of one block."""
    patch = pytest.MonkeyPatch()
    patch.setattr(ablation_models, "SMALL", TINY)
    path = tmp_path_factory.mktemp("ablation") / "depthwise.tflite"
    path.write_bytes(ablation_files.convert(DEPTHWISE, "small"))
    patch.undo()
    return path


def test_depthwise_convolutions_run_in_one_part(depthwise):
    interpreter = LiteRT(depthwise.read_bytes())
    assert interpreter.delegation()[0] == 1


def test_rows_are_timed_beside_tformer(depthwise):
    files = {(TFORMER.name, "int8"): depthwise, (DEPTHWISE.name, "int8"): depthwise}
    rows = [row for threads in (1, 2) for row in timed(files, threads, rounds=2, runs=2)]
    assert [(row.model, row.threads) for row in rows] == [
        (name, threads) for threads in (1, 2) for name in (TFORMER.name, DEPTHWISE.name)
    ]
    assert rows[0].ratio == 1 and rows[1].ratio > 0 and rows[1].partitions == 1
    lines = as_markdown(rows).splitlines()
    assert len(lines) == 4 and "ms, 1 thread (CPU)" in lines[0] and "ms, 2 threads (wall)" in lines[0]
    assert lines[3].startswith(f"| {DEPTHWISE.label} | {depthwise.stat().st_size:,} | 1 |")


def test_a_file_is_made_once_and_takes_the_place_of_an_older_one(monkeypatch, tmp_path):
    made = []

    def make(command):
        made.append(command[1:3])
        Path(command[-1]).write_bytes(b"a model")

    monkeypatch.setattr(ablation_files, "in_a_process", make)
    older = tmp_path / f"ablation-small-tformer-{'0' * 16}.tflite"
    older.touch()
    paths = [ablation_files.row_file(TFORMER, "small", tmp_path) for _ in range(2)]
    assert paths[0] == paths[1] and made == [["tformer", "small"]] and not older.exists()
    assert ablation_files.row_file(TFORMER, "tformer_s", tmp_path) != paths[0]
    assert len(list(tmp_path.iterdir())) == 2

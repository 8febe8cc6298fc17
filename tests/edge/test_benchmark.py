"""`tformer-edge benchmark`, and the figures behind it."""

import json
import os
import time

import numpy as np
import pytest

from tests.edge.test_board import FIRMWARE, pi  # noqa: F401  (a fixture)
from tests.edge.tiny_models import raw
from tests.fresh_process import fresh
from tformer_edge.cli import main
from tformer_edge.commands import benchmark
from tformer_edge.latency import input_of, measure, percentile
from tformer_edge.model import Model


@pytest.mark.parametrize("count", [1, 2, 10, 99, 100, 101])
def test_percentiles_by_nearest_rank(count):
    values = sorted(np.random.default_rng(count).normal(size=count).tolist())
    for percent in (50, 90, 99, 100):
        expected = np.percentile(values, percent, method="inverted_cdf")
        assert percentile(values, percent) == expected


def test_the_first_inference_and_the_others_are_told_apart(folder, monkeypatch):
    calls = []
    with Model(folder / "int8-1.tflite", warm=False) as model:
        real = model.run

        def timed(tensor):
            calls.append("timed")
            return real(tensor), 1.0

        monkeypatch.setattr(model, "timed_run", timed)
        monkeypatch.setattr(model, "run", lambda tensor: calls.append("warm-up") or real(tensor))
        found = measure(model, runs=7, warm_up=3)
    assert calls == ["timed"] + ["warm-up"] * 3 + ["timed"] * 7 and found.runs == 7
    assert found.first == found.p50 == found.p99 == found.mean == found.least == found.most == 1000


def test_seconds_run_for_that_long(folder):
    with Model(folder / "int8-1.tflite", warm=False) as model:
        started = time.perf_counter()
        found = measure(model, runs=1, warm_up=0, seconds=0.3)
        assert 0.3 <= time.perf_counter() - started < 5
    assert found.runs > 1 and found.least <= found.p50 <= found.p90 <= found.p99 <= found.most


def test_its_input_is_the_golden_one_or_always_the_same(folder):
    with Model(folder / "int8-1.tflite") as model:
        assert input_of(model).tobytes() == model.file.golden[0].input
    for name in ("int8-1", "uint8-1", "float32-1"):
        with Model(raw(folder / f"{name}.tflite")) as model:
            one, two = input_of(model), input_of(model)
            assert one.dtype == model.input.type and one.shape == model.input.shape and one.std() > 0
            np.testing.assert_array_equal(one, two)
            model.run(one)


def test_memory_is_of_the_process(folder):
    here, absent, both, other = fresh(
        """
import os
from tformer_edge import latency, memory
from tformer_edge.model import Model
ballast = bytearray(os.urandom(1 << 20)) * 64
here, absent = memory.peak_bytes(), memory.peak_bytes(2**31 - 1)
with Model(sys.argv[1], isolated=True) as model:
    both, other = latency.peak_megabytes(model), model.pid != os.getpid()
result = here, absent, both, other
""",
        folder / "int8-1.tflite",
    )
    assert here > 64 << 20 and absent is None and other
    assert both * 1e6 > here  # the model's own process counts as well
    with Model(folder / "int8-1.tflite") as model:
        assert model.pid == os.getpid()


def test_the_json_line(folder, capsys):
    path = str(folder / "int8-1.tflite")
    assert main(["benchmark", path, "--runs", "20", "--warmup", "0", "--threads", "1", "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    found = json.loads(line)
    assert found["runs"] == 20 and found["threads"] == 1 and found["kernels"] == "xnnpack"
    assert 0 < found["least_ms"] <= found["p50_ms"] <= found["p90_ms"] <= found["p99_ms"] <= found["most_ms"]
    assert found["first_ms"] > 0 and found["load_ms"] > 0 and found["import_ms"] >= 0
    assert 10 < found["peak_memory_mb"] < 10_000
    assert (
        set(found["before"])
        == set(found["after"])
        == {
            "celsius",
            "megahertz",
            "throttled",
            "throttled_since_boot",
        }
    )
    assert found["versions"]["ai-edge-litert"]


def test_a_pi_says_that_it_was_slowed_down(folder, pi, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setattr(benchmark, "ROOT", pi)
    model = str(folder / "int8-1.tflite")
    assert main(["benchmark", model, "--runs", "2", "--kernels", "reference"]) == 0
    captured = capsys.readouterr()
    assert "on Raspberry Pi 5 Model B Rev 1.0" in captured.out and "cpu-thermal 61.9 °C" in captured.out
    assert "1500 to 2400 MHz" in captured.out and "throttling: under-voltage, throttled" in captured.out
    assert "slowed down (under-voltage, throttled)" in captured.err
    (pi / FIRMWARE).write_text("0")
    assert main(["benchmark", model, "--runs", "2"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "" and "throttling: none" in captured.out and "since boot" not in captured.out


def test_a_stranger_s_file_and_mistakes(folder, tmp_path, capsys):
    (tmp_path / "raw.tflite").write_bytes(raw(folder / "int8-1.tflite"))
    assert main(["benchmark", str(tmp_path / "raw.tflite"), "--runs", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["isolated"] is True
    assert main(["benchmark", str(tmp_path / "none.tflite")]) == 2
    assert "none.tflite" in capsys.readouterr().err
    for arguments in (["--runs", "0"], ["--seconds", "0"], ["--warmup", "-1"]):
        with pytest.raises(SystemExit) as end:
            main(["benchmark", str(folder / "int8-1.tflite"), *arguments])
        assert end.value.code == 2

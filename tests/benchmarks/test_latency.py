"""The harness on a tiny model of a convolution and a dense layer, converted as the peers are."""

import json
import sys

import numpy as np
import pytest

from benchmarks import latency
from benchmarks.litert import Model
from benchmarks.op_profile import Operation, least, profile, read_report
from benchmarks.peers import convert_by_tensorflow


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    import keras

    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    model = keras.Model(inputs, keras.layers.Dense(4)(x))
    folder = tmp_path_factory.mktemp("tiny")
    for kind in ("int8", "float"):
        (folder / f"{kind}.tflite").write_bytes(convert_by_tensorflow(model, kind))
    return folder


def test_batch_norm_is_folded_and_the_graph_is_one_part(tiny):
    model = Model(tiny / "int8.tflite", threads=1)
    assert model.partitions == 1 and model.bytes == (tiny / "int8.tflite").stat().st_size
    assert not {"MUL", "ADD", "SUB"} & set(model.operations)
    detail = model.interpreter.get_input_details()[0]
    noise = model.interpreter.get_tensor(detail["index"])
    assert noise.dtype == np.int8 and noise.min() < -100 and noise.max() > 100


def test_every_model_runs_in_every_round_after_one_that_is_not_timed():
    log = []

    class Fake:
        def __init__(self, name, seconds):
            self.name, self.seconds = name, seconds

        def run(self):
            log.append(self.name)
            now[0] += self.seconds

    now = [0.0]
    fakes = {(name, "int8"): Fake(name, seconds) for name, seconds in (("a", 1), ("b", 2), ("c", 3))}
    samples = latency.measure(fakes, rounds=6, runs=3, clock=lambda: now[0])
    assert {key: (values.shape, set(values.ravel())) for key, values in samples.items()} == {
        ("a", "int8"): ((6, 3), {1000}),
        ("b", "int8"): ((6, 3), {2000}),
        ("c", "int8"): ((6, 3), {3000}),
    }
    turns = [log[start : start + 4] for start in range(0, len(log), 4)]
    assert all(len(set(turn)) == 1 for turn in turns)
    rounds = ["".join(turn[0] for turn in turns[start : start + 3]) for start in range(0, 18, 3)]
    assert all(sorted(names) == ["a", "b", "c"] for names in rounds)
    assert len(set(rounds)) > 1  # no model always follows the same one


def test_the_profile_names_the_operations_inside_xnnpack(tiny):
    operations = profile(tiny / "float.tflite", threads=1, runs=3)
    types = [operation.type for operation in operations]
    assert any(name.startswith("XNNPACK Convolution") for name in types)
    assert any("Fully Connected" in name for name in types)
    assert all(operation.count == 1 and operation.milliseconds >= 0 for operation in operations)


REPORT = """
=== Run Order ===
      [node type]  [start]  [first]  [avg ms]  [%]  [cdf%]  [mem KB]  [times called]  [Name]
      Delegate/Convolution (NHWC, QC8) IGEMM   0.000  5.872  3.818  18.326%  18.326%  0.000  1  [Delegate]:0
      SPLIT_V                                  0.031  0.079  0.079   0.054%   0.490%  0.000  1  [Builtin]:4
      TfLiteXNNPackDelegate                    0.031  9.079  9.079   0.054%   0.490%  0.000  1  [Builtin]:9
      Delegate/Add (ND)                        0.000  0.030  0.020   0.155%  30.520%  0.000  3  [Delegate]:5
=== Top by Computation Time ===
      Delegate/Add (ND)                        0.000  0.030  0.020   0.155%  30.520%  0.000  3  [Delegate]:5
"""


def test_a_report_is_read_line_by_line():
    operations = read_report(REPORT)
    assert [(operation.type, operation.count) for operation in operations] == [
        ("XNNPACK Convolution (NHWC, QC8) IGEMM", 1),
        ("SPLIT_V", 1),
        ("XNNPACK Add (ND)", 3),
    ]
    assert [operation.milliseconds for operation in operations] == pytest.approx([3.818, 0.079, 0.06])


def test_a_text_that_is_no_report_is_refused():
    with pytest.raises(ValueError, match="Run Order"):
        read_report("Profiling information not available")


def test_the_least_time_of_each_operation_counts():
    def report(*times):
        return [Operation("Add", f"{index}", 1, time) for index, time in enumerate(times)]

    assert [o.milliseconds for o in least([report(3, 1), report(2, 5), report(4, 4)])] == [2, 1]


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["latency.py", *arguments])
    code = latency.main()
    return code, *capsys.readouterr()


def test_the_command_compares_files(monkeypatch, capsys, tiny, tmp_path):
    files = [str(tiny / "int8.tflite"), str(tiny / "float.tflite")]
    code, out, _ = run(
        monkeypatch, capsys, "--only", "--files", *files, "--threads", "1", "--rounds", "2", "--runs", "2", "--json",
        "--out", str(tmp_path / "out"),
    )  # fmt: skip
    document = json.loads(out)
    assert code == 0 and [row["model"] for row in document["results"]] == files
    assert all(
        row["median"] > 0 and row["samples"] == 4 and row["partitions"] == 1 for row in document["results"]
    )
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".csv", ".json", ".png"]


def test_the_command_prints_a_table_and_a_profile(monkeypatch, capsys, tiny):
    file = str(tiny / "int8.tflite")
    options = ["--only", "--files", file, "--threads", "1", "--rounds", "1", "--runs", "1"]
    code, out, _ = run(monkeypatch, capsys, *options)
    assert code == 0 and "int8.tflite" in out and "machine:" in out
    code, out, _ = run(monkeypatch, capsys, *options, "--profile")
    assert code == 0 and "XNNPACK" in out and "100.0" in out


@pytest.mark.parametrize(
    "arguments,message",
    [
        (["--rounds", "0"], "at least 1"),
        (["--clock", "cpu", "--threads", "1", "2"], "--clock cpu"),
        (["--only", "--files", "absent.tflite"], "received 'absent.tflite'"),
    ],
)
def test_mistakes_are_one_sentence(monkeypatch, capsys, arguments, message):
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert code == 2 and message in err and err.count("\n") == 1 and not out

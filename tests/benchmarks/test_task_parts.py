"""A detector cut into backbone, neck and head by its layers' names, and where its time goes."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency
from benchmarks.file_parts import PARTS, cut, part_of
from benchmarks.op_profile import Operation
from benchmarks.task_latency import tables_of
from benchmarks.task_parts import PartRow, as_profile, measure_parts, shares, short_name, split_run
from tformer_edge.errors import UserError

SHAPE = (16, 16, 3)


@pytest.fixture(scope="module")
def detector():
    """A model of two maps, and its float file with full names."""
    import keras
    from keras import layers

    from tformer_keras.deploy.conversion import convert
    from tformer_keras.deploy.graph.lower import lower

    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    fine = layers.Conv2D(4, 3, 2, padding="same", activation="relu", name="stage1")(inputs)
    coarse = layers.Conv2D(5, 3, 2, padding="same", name="stage2")(fine)
    maps = [layers.Conv2D(6, 1, name=f"neck_p{number}")(x) for number, x in ((3, fine), (4, coarse))]
    head = layers.Conv2D(7, 3, padding="same", name="logits_conv")
    model = keras.Model(inputs, [head(x) for x in maps])
    parts = keras.Model(inputs, [fine, coarse]), keras.Model(inputs, maps), model
    return dict(zip(PARTS, parts, strict=True)), convert(lower(model), "float", names="full").flatbuffer


def test_a_tensor_is_of_the_part_that_its_layer_is_named_for():
    names = {
        "retinanet/stage1_patch/Conv2D": "backbone",
        "retinanet/neck_p3_norm/BiasAdd;retinanet/logits_conv/Conv2D": "neck",
        "deltas_conv_4": "head",
        "m/head_p2_1_activation/Relu6": "head",
        "": "backbone",
        "m/block_13_overhead_": "backbone",
    }
    assert {name: part_of(name) for name in names} == names


def test_each_file_computes_what_its_part_ends_with(detector):
    from tformer_keras.deploy.tflite.interpreter import LiteRT

    models, flatbuffer = detector
    images = np.random.default_rng(0).normal(size=(1, *SHAPE)).astype("float32")
    files = cut(flatbuffer)
    assert list(files) == list(PARTS)
    for part, file in files.items():
        litert = LiteRT(file)
        assert litert.delegation()[0] == 1
        by_shape = {one.shape: one for one in litert.run(images)}
        for expected in map(np.asarray, models[part](images)):
            np.testing.assert_allclose(by_shape[expected.shape], expected, atol=1e-5)


def test_a_run_is_split_where_files_of_its_beginning_end():
    def run(types):
        return [Operation(one, f"{place}", 1, place) for place, one in enumerate(types)]

    whole = run("abca")
    assert split_run(whole, [run("ab"), run("abc")]) == [whole[:2], whole[2:3], whole[3:]]
    assert split_run(whole, [run("ab"), run("ab")]) == [whole[:2], [], whole[2:]]
    with pytest.raises(UserError, match="--tasks --profile: expected a file in one XNNPACK partition"):
        split_run(whole, [run("ac"), run("abc")])


def test_the_table_has_names_of_its_own_for_operations():
    names = {
        "XNNPACK Convolution (NHWC, QC8) DWConv": "depthwise",
        "XNNPACK Convolution (NHWC, QC8) IGEMM": "matrix products",
        "XNNPACK Fully Connected (NC, QS8, QC8W) GEMM": "matrix products",
        "XNNPACK Resize Bilinear (NHWC)": "resize",
        "XNNPACK Copy (NC, X8)": "copies",
        "XNNPACK Invalid Unary Op": "activations",
        "XNNPACK Softmax": "others",
        "RESIZE_NEAREST_NEIGHBOR": "LiteRT's own",
    }
    assert {name: short_name(name) for name in names} == names


def test_a_file_is_measured_and_its_shares_are_all_of_it(detector, tmp_path):
    path = tmp_path / "a.tflite"
    path.write_bytes(detector[1])
    rows = measure_parts({("detector_s_512", "int8"): path}, threads=1, runs=2)
    assert {(row.part, row.operation, row.count) for row in rows} >= {
        ("backbone", "matrix products", 2),
        ("neck", "matrix products", 2),
        ("head", "matrix products", 2),
    }
    assert {(row.size, row.partitions, row.label) for row in rows} == {(512, 1, "TFormer-S, edge head")}
    assert sum(shares(rows).values()) == pytest.approx(1)


def test_the_command_prints_tables_and_json(monkeypatch, capsys, tmp_path):
    made = [
        PartRow("detector_s", "TFormer-S, edge head", 320, 1, 1, part, "sums", 2, 1.0) for part in PARTS[:2]
    ]
    monkeypatch.setattr("benchmarks.task_parts.measure_parts", lambda *_: made)
    monkeypatch.setattr(latency, "chosen_files", lambda *_: {("detector_s", "int8"): tmp_path})
    command = ["latency.py", "--tasks", "--profile", "--only", "detector_s", "--threads", "1"]
    monkeypatch.setattr(sys, "argv", command)
    assert latency.main() == 0
    text = capsys.readouterr().out
    assert "320×320, 1 thread(s), 1 partition(s)" in text and "50.0" in text
    monkeypatch.setattr(sys, "argv", [*command, "--json"])
    assert latency.main() == 0
    document = json.loads(capsys.readouterr().out)
    assert document["shares"] == [
        {"model": "detector_s", "threads": 1, "backbone": 0.5, "neck": 0.5, "head": 0.0}
    ]
    assert document["operations"] == as_profile(made, {})["operations"]


def test_a_table_compares_one_task_at_one_size():
    names = ("segmenter_s", "detector_s_512", "ssdlite_mobilenet_v2_512", "detector_s")
    files = {(name, "int8"): Path(name) for name in names}
    tables = tables_of(files)
    assert [(table.title, table.ours[0], len(table.files)) for table in tables] == [
        ("detection, 320×320", "detector_s", 1),
        ("detection, 512×512", "detector_s_512", 2),
        ("segmentation, 256×256", "segmenter_s", 1),
    ]

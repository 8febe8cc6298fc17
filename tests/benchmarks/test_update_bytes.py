"""What an update costs by way: the shipped small model's weights, moved, in files that pass their own self-test."""

import json

import numpy as np
import pytest

from benchmarks.update_bytes import main, updates_of, weights_of
from tformer_edge.contract import read_model_file
from tformer_edge.errors import UserError
from tformer_edge.graph import read_graph
from tformer_edge.update.model_check import check_model
from tformer_keras.deploy.conversion_options import ConversionOptions
from tformer_keras.deploy.model_conversion import convert_model


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    made = tmp_path_factory.mktemp("bytes") / "small.tflite"
    made.write_bytes(
        convert_model("tformer_micro_cifar10_small", ConversionOptions(verify=False))[0].to_bytes()
    )
    return made


def test_only_weights_move(path):
    from ai_edge_litert.interpreter import Interpreter

    file = read_model_file(path.read_bytes())
    found = updates_of(file, 0)
    one, moved = found["1 % of the weights"]
    assert (
        0.008
        < moved / sum(len(w) for w in weights_of(np.frombuffer(file.flatbuffer, np.uint8).copy()))
        < 0.012
    )
    check_model(one)
    before, after = (Interpreter(model_content=f.flatbuffer) for f in (file, read_model_file(one)))
    different = 0
    for runner in (before, after):
        runner.allocate_tensors()
    for index in {
        one.buffer: one.index for one in read_graph(file.flatbuffer).tensors if one.constant_bytes
    }.values():
        old, new = (runner.get_tensor(index) for runner in (before, after))
        assert old.dtype == np.int8 or np.array_equal(old, new)
        different += int(np.count_nonzero(old != new))
    assert different == moved
    labels, dense = len(file.labels), found["the classifier"][1]
    assert 0 < dense <= labels * 40, "the last layer has 40 channels"


def test_the_table(path, capsys):
    assert main([str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {row["what"]: row for row in found["updates"]}
    assert rows["1 % of the weights"]["bytes"] < rows["5 % of the weights"]["bytes"] < 0.06 * found["file"]
    assert rows["all weights, deviation 1 steps"]["bytes"] < 0.35 * found["file"] < found["xz"]


def test_mistakes(tmp_path, capsys):
    (tmp_path / "bare.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(100))
    assert main([str(tmp_path / "bare.tflite")]) == 2
    assert "contract" in capsys.readouterr().err
    with pytest.raises(UserError):
        updates_of(read_model_file((tmp_path / "bare.tflite").read_bytes()), 0)

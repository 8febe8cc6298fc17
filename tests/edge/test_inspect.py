"""`tformer-edge inspect` and the delegation that it shows."""

import json

import pytest

from tests.edge.tiny_models import LABELS, raw
from tformer_edge.child_answers import delegation_of_answer
from tformer_edge.cli import main
from tformer_edge.contract import read_model_file
from tformer_edge.graph import read_graph
from tformer_edge.model import Model
from tformer_edge.process_runner import ProcessRunner
from tformer_edge.runner import Delegation, UserError


@pytest.mark.parametrize("isolated", [False, True])
def test_delegation_of_known_graphs(folder, isolated):
    # XNNPACK has no int8 average pooling, so that it cuts the graph in two.
    averaged = (folder / "averaged.bin").read_bytes()
    with Model(averaged, isolated=isolated) as model:
        assert model.delegation() == Delegation(2, {"AVERAGE_POOL_2D": 1})
        assert model.delegation().partitions == 2
    with Model(folder / "int8-1.tflite", isolated=isolated) as model:
        assert model.delegation() == Delegation(1, {})
    with Model(averaged, isolated=isolated, kernels="reference") as model:
        assert model.delegation() == Delegation(0, read_graph(averaged).operators)
    with pytest.raises(UserError, match="received a closed one"):
        model.delegation()


def test_a_child_that_lies_about_delegation():
    for answer in ({}, {"partitions": "1", "left": {}}, {"partitions": 1, "left": {"A": "1"}}):
        with pytest.raises(UserError, match="no sensible answer|cannot be printed"):
            delegation_of_answer(answer)
    with pytest.raises(UserError, match="cannot be printed"):
        delegation_of_answer({"partitions": 1, "left": {"\x1b[2J": 1}})


def test_json_says_all(folder, capsys):
    path = folder / "int8-1.tflite"
    assert main(["inspect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    file = read_model_file(path)
    assert found["contract"] == json.loads(file.contract.to_bytes())
    assert found["labels"] == list(LABELS)
    sizes = found["bytes"]
    assert sizes["file"] == path.stat().st_size == sizes["flatbuffer"] + sizes["zip"]
    assert sizes["flatbuffer"] == len(file.flatbuffer)
    assert sizes["parts"]["golden/0.in"] == 12 * 10 * 3 and sizes["parts"]["golden/1.out"] == 3
    assert found["graph"]["operators"]["CONV_2D"] == 1 and found["graph"]["parameters"] > 300
    assert found["tensors"]["input"]["shape"] == [1, 12, 10, 3] and found["tensors"]["input"]["scale"] > 0
    assert found["delegation"] == {"partitions": 1, "left": {}}


def test_people_can_read_it(folder, tmp_path, capsys):
    assert main(["inspect", str(folder / "int8-1.tflite")]) == 0
    out = capsys.readouterr().out
    for words in ("input.mean                 [0.4, 0.5, 0.6]", "dark, light, other", "int8 1 × 12 × 10 × 3"):
        assert words in out
    assert "1 XNNPACK partition; left to LiteRT: nothing" in out
    (tmp_path / "raw.tflite").write_bytes((folder / "averaged.bin").read_bytes())
    assert main(["inspect", str(tmp_path / "raw.tflite")]) == 0
    out = capsys.readouterr().out
    assert "none: nothing says" in out and "2 XNNPACK partitions; left to LiteRT: 1 AVERAGE_POOL_2D" in out


def test_a_file_without_a_contract_is_opened_in_another_process(folder, tmp_path, monkeypatch, capsys):
    opened = []
    real = ProcessRunner.__init__
    monkeypatch.setattr(
        ProcessRunner, "__init__", lambda self, *a, **k: opened.append(1) or real(self, *a, **k)
    )
    (tmp_path / "raw.tflite").write_bytes(raw(folder / "int8-1.tflite"))
    assert main(["inspect", str(tmp_path / "raw.tflite"), "--json"]) == 0
    assert opened == [1] and json.loads(capsys.readouterr().out)["contract"] is None


def test_a_model_of_two_inputs_is_shown_and_not_called_broken(tmp_path, capsys):
    keras = pytest.importorskip("keras")
    from tformer_keras.deploy.graph.lower import lower
    from tformer_keras.deploy.tflite.export import export_flatbuffer

    inputs = [keras.Input((4, 4, 2), name=name) for name in ("left", "right")]
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(keras.layers.Add()(inputs)))
    path = tmp_path / "two.tflite"
    path.write_bytes(export_flatbuffer(lower(model), "float"))
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert out.count("float32 1 × 4 × 4 × 2") == 2 and "a model of 2 inputs" in out
    assert main(["inspect", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tensors"] is None and "2 inputs" in found["note"]
    assert [one["shape"] for one in found["graph"]["inputs"]] == [[1, 4, 4, 2]] * 2
    assert found["graph"]["macs"] == 4 * 4 * 2 * 3


def test_what_litert_refuses_is_shown_up_to_there(folder, tmp_path, capsys):
    # The contract's example files hold no real flatbuffer.
    good = "tests/contract/examples/good.tflite"
    assert main(["inspect", good, "--json"]) == 2
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["contract"]["name"] == "tiny" and found["graph"] is found["delegation"] is None
    assert "expected a flatbuffer for LiteRT" in captured.err and "Traceback" not in captured.err
    cut = raw(folder / "int8-1.tflite")[:1500]
    (tmp_path / "cut.tflite").write_bytes(cut)
    assert main(["inspect", str(tmp_path / "cut.tflite")]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert main(["inspect", "tests/contract/examples/wrong_crc.tflite"]) == 2
    assert "CRC" in capsys.readouterr().err

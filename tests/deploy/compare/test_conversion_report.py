"""The report of a conversion: figures that are known beforehand."""

import io
import json

import keras
import numpy as np
import pytest
import rich.console
from keras import layers
from PIL import Image

from tformer_edge.contract import read_model_file
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.compare import conversion_report as reports
from tformer_keras.deploy.compare import conversion_table as tables
from tformer_keras.deploy.compare.file_proof import Proof
from tformer_keras.deploy.compare.layer_errors import layer_errors, match_layers, tensors_of
from tformer_keras.deploy.conversion import convert, model_file
from tformer_keras.deploy.graph.emit import emit
from tformer_keras.deploy.graph.lower import TARGETS, lower
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.npu.vela import NpuEstimate
from tformer_keras.deploy.tflite import golden
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.tasks.classification_judge import ClassificationEvaluation

FOUR = OutputsMean(("a", "b", "c", "d"), "logits")
PREPROCESSING = Preprocessing((12, 12), "stretch")
PIXELS = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 3), dtype=np.uint8)

PLAIN = [name for name in TARGETS["litert"] if name != "widen_stem"]


def make_model(average: bool) -> keras.Model:
    keras.utils.set_random_seed(1)
    x = inputs = layers.Input((12, 12, 3), name="image")
    x = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name="stem")(x)
    if average:
        x = layers.AveragePooling2D(6, 1, padding="same", name="average")(x)
    x = layers.Conv2D(16, 1, name="middle")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(4, name="head")(x), name="tiny")


@pytest.fixture(scope="module")
def quantized():
    # Without the stem on blocks of columns: operations and multiplications are those of the layers.
    quantized = quantize_aware(make_model(average=True), rewrites=PLAIN)
    quantized.calibrate([PREPROCESSING.normalise(PIXELS)])
    return quantized


@pytest.fixture(scope="module")
def conversion(quantized):
    return convert(quantized)


def test_what_xnnpack_leaves_is_counted(conversion):
    # XNNPACK has no int8 average pooling (docs/device_graph.md), so that it cuts the graph in two.
    measured = reports.measure(conversion)
    assert measured.partitions == 2 and measured.left == {"AVERAGE_POOL_2D": 1}
    assert measured.operations == {
        "CONV_2D": 2,
        "AVERAGE_POOL_2D": 1,
        "MEAN": 1,
        "FULLY_CONNECTED": 1,
    }
    assert measured.int8_operations == measured.int8_macs == 1
    assert measured.file_macs == 6 * 6 * 8 * 27 + 6 * 6 * 8 * 16 + 16 * 4
    assert measured.milliseconds > 0
    assert LiteRT(conversion.flatbuffer, "reference").delegation()[0] == 0


def test_a_float_file():
    conversion = convert(lower(make_model(average=False)), "float")
    layers_ = reports.measure_layers(conversion, PIXELS, PREPROCESSING)
    assert layers_[-1].name == "head" and len(layers_) == len(conversion.file.operations)
    for layer in layers_:
        assert layer.relative_error < 1e-5 and layer.mean_lsb is None
    measured = reports.measure(conversion)
    assert measured.int8_operations == measured.int8_macs == 0
    assert measured.partitions == 1 and not measured.left


def test_errors_of_layers(conversion, quantized):
    layers_ = match_layers(conversion.file, conversion.names, quantized.lowered.graph)
    assert list(layers_) == ["stem.relu", "average", "middle", "pool", "head"]
    assert [operation.type for operation in layers_.values()] == [
        operation.type for operation in conversion.file.operations
    ]
    float_model = tensors_of(emit(quantized.graph(), "float"), list(layers_))

    def half_as_much_again(images):
        return {name: 1.5 * tensor for name, tensor in float_model(images).items()}

    right, wrong = layer_errors(
        conversion.reference,
        layers_,
        [(float_model, False), (half_as_much_again, False)],
        PIXELS,
        PREPROCESSING,
    )
    for one, other in zip(right, wrong, strict=True):
        assert 0 < one.relative_error < 0.05 and one.cosine > 0.998 and one.largest_lsb <= 6
        assert other.relative_error == pytest.approx(1 / 3, abs=0.03) and other.cosine == pytest.approx(
            one.cosine
        )
        assert other.largest_lsb > one.largest_lsb and other.mean_lsb > 5 * one.mean_lsb
    assert right[0].bytes == 8 * 27 + 8 * 4 and right[1].bytes == 0


def test_the_same_input_is_computed_once(conversion, monkeypatch):
    litert = LiteRT(conversion.flatbuffer, "reference", keep_tensors=True)
    one, other = (litert.input_of(PIXELS[number : number + 1], PREPROCESSING) for number in (0, 1))
    runs, run = [], litert._runner.run
    monkeypatch.setattr(litert._runner, "run", lambda tensor: runs.append(tensor) or run(tensor))
    (first,) = litert.run(one)
    expected = first.copy()
    first[:] = 0  # the caller's own
    np.testing.assert_array_equal(litert.run(one)[0], expected)
    assert len(runs) == 1
    assert (litert.run(other)[0] != expected).any() and len(runs) == 2
    index = conversion.file.outputs[0].index
    np.testing.assert_array_equal(litert.tensor(index), litert.run(other)[0])
    np.testing.assert_array_equal(litert.run(one)[0], expected)
    assert len(runs) == 3


def test_table_and_picture(conversion):
    confusion = np.array([[3, 2], [3, 2]])
    accuracy = reports.Accuracy("some", ClassificationEvaluation(("a", "b"), confusion, 1.0, 1.0))
    report = reports.ConversionReport(
        model="tiny",
        weights="random",
        fresh=False,
        kind=conversion.kind,
        io=conversion.io,
        batch=conversion.batch,
        target=conversion.source.target,
        rewrites=tuple(conversion.source.rewrites),
        notes=("a note",),
        measured=reports.measure(conversion),
        parameters=1234,
        macs=None,
        accuracy=accuracy,
        layers=reports.measure_layers(conversion, PIXELS, PREPROCESSING),
        layer_images="4 images",
        flatbuffer_bytes=4000,
        total_bytes=5000,
        golden=(("noise", 1),),
        proof=Proof(7, 1e-6, {"xnnpack": 0.01, "reference": 0.02}),
        npu=NpuEstimate(
            "ethos-u55-64", "Vela 5", "a system", 12, ("PACK (1×8)",), 3000, 4000, 1.5, 9, b"compiled"
        ),
        opens_in={"LiteRT": None, "OpenVINO": None, "MediaPipe Tasks": "its input is int8"},
    )
    data = json.loads(json.dumps(report.to_json()))
    assert data["bytes"] == {"flatbuffer": 4000, "contract": 1000, "total": 5000}
    files = {"xnnpack": 0.01, "reference": 0.02}
    assert data["proof"] == {"images": 7, "lowering": 1e-6, "files": files, "border": None}
    assert data["npu"]["cpu_operations"] == ["PACK (1×8)"] and "compiled" not in data["npu"]
    assert data["opens_in"]["MediaPipe Tasks"] == "its input is int8"
    assert data["accuracy"]["top1"] == 0.5 and data["accuracy"]["images"] == 10
    console = rich.console.Console(file=io.StringIO(), width=160)
    tables.show(report, "tiny.tflite", console)
    text = console.file.getvalue()
    for words in (
        "1,234",
        "5,000",
        "2 partitions",
        "1 AVERAGE_POOL_2D",
        "50.00 %",
        "a note",
        "noise, XNNPACK within 1",
        "LiteRT, OpenVINO",
        "not in MediaPipe Tasks",
        "its input is int8",
        "12 operations, left to the CPU: PACK (1×8); 1.50 ms",
    ):
        assert words in text
    picture = tables.draw(report, "tiny.tflite")
    assert Image.open(io.BytesIO(picture)).width >= 800
    assert picture == tables.draw(report, "tiny.tflite")


@pytest.fixture(scope="module")
def facts():
    return {
        "name": "tiny",
        "task": "classification",
        "preprocessing": PREPROCESSING,
        "means": FOUR,
        "source": {"layers": 5},
        "accuracy": None,
        "versions": {"numpy": "2"},
    }


@pytest.mark.parametrize(("io_type", "batch"), [("int8", 1), ("float32", 2)])
def test_the_model_file_can_be_checked_by_its_golden_vectors(io_type, batch, quantized, facts):
    conversion = convert(quantized, "int8", io_type, batch)
    file = model_file(conversion, **facts)
    data, vectors = file.to_bytes(), file.golden
    assert data == model_file(conversion, **facts).to_bytes()
    read = read_model_file(data)
    assert read.flatbuffer == conversion.flatbuffer and read.labels == FOUR.labels
    contract = read.contract
    assert contract.image == PREPROCESSING
    assert (contract.input_type, contract.output_type, contract.batch) == (io_type, io_type, batch)
    assert len(vectors) == len({vector.input for vector in vectors}) == 2
    for vector in read.golden:
        for kernels, allowed in (("reference", 0), ("xnnpack", vector.xnnpack_difference)):
            litert = LiteRT(read.flatbuffer, kernels)
            tensor = np.frombuffer(vector.input, litert.input.type).reshape(litert.input.shape)
            (output,) = litert.run(tensor)
            expected = np.frombuffer(vector.output, output.dtype).reshape(output.shape)
            assert np.abs(output.astype(np.float64) - expected).max() == allowed


def test_no_golden_vector_that_a_contract_cannot_hold(conversion, monkeypatch):
    monkeypatch.setattr(golden, "MAX_ENTRY_BYTES", 12 * 12 * 3)
    runs = conversion.reference, conversion.xnnpack
    assert len(golden.golden_vectors(*runs, PREPROCESSING, "classification", FOUR)) == 2
    monkeypatch.setattr(golden, "MAX_ENTRY_BYTES", 12 * 12 * 3 - 1)
    assert golden.golden_vectors(*runs, PREPROCESSING, "classification", FOUR) == ()


def test_labels_must_fit(conversion, facts):
    with pytest.raises(UserError, match=r"outputs \[\(1, 2\)\], received .*\(1, 4\)"):
        model_file(conversion, **{**facts, "means": OutputsMean(("a", "b"), "logits")})

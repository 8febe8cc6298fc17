"""Conversion: what the flatbuffer holds, by its own tables and by what LiteRT computes with it."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from keras import layers

from tformer_edge.errors import UserError
from tformer_edge.graph import FileGraph, FileOperation, FileTensor, read_graph
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.deploy.graph.lower import TARGETS, lower
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.tflite import export
from tformer_keras.deploy.tflite.export import check_flatbuffer, export_flatbuffer
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.models.counting import count

PREPROCESSING = Preprocessing((12, 12), "stretch")
TENSOR = FileTensor(0, "model/layer/Op", "int8", (1, 4), False, (1.0,), (0,), 0, 0)

# Without the stem on blocks of columns, whose zeros count as multiplications.
PLAIN = [name for name in TARGETS["litert"] if name != "widen_stem"]


def make_model() -> keras.Model:
    keras.utils.set_random_seed(1)
    x = inputs = layers.Input((12, 12, 3), name="image")
    x = layers.Conv2D(8, 3, 2, padding="same", activation="relu", name="stem")(x)
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    x = layers.Add(name="sum")([x, y])
    x = layers.Conv2D(32, 3, padding="same", name="wide")(
        x
    )  # over 1024 weights: "dynamic" leaves smaller ones
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, layers.Dense(4, name="head")(x), name="tiny")


def quantized_of(model, images):
    quantized = quantize_aware(model, rewrites=PLAIN)
    quantized.calibrate([PREPROCESSING.normalise(images)])
    return quantized


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def quantized(model, pixels):
    return quantized_of(model, pixels)


@pytest.fixture(scope="module")
def flatbuffer(quantized):
    return export_flatbuffer(quantized)


def run(flatbuffer, pixels):
    litert = LiteRT(flatbuffer)
    return litert.real(litert.run_all(litert.input_of(pixels, PREPROCESSING)))[0]


def test_int8_holds_integers_alone_and_computes_what_fake_quantization_does(quantized, flatbuffer, pixels):
    file = read_graph(flatbuffer)
    assert {tensor.type for tensor in file.tensors} == {"int8", "int32"}
    assert [operation.type for operation in file.operations] == [
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "ADD",
        "CONV_2D",
        "MEAN",
        "FULLY_CONNECTED",
    ]
    assert file.inputs[0].shape == (1, 12, 12, 3) and file.outputs[0].shape == (1, 4)
    expected = np.asarray(quantized.model(PREPROCESSING.normalise(pixels)))
    (scale,) = file.outputs[0].scales
    assert np.abs(run(flatbuffer, pixels) - expected).max() <= 2.01 * scale
    assert np.ptp(expected) > 50 * scale


def test_equal_models_give_equal_bytes_and_the_converter_is_silent(flatbuffer, pixels, capfd):
    keras.layers.Dense(3).build((1, 2))  # whatever was made before must not matter
    assert export_flatbuffer(quantized_of(make_model(), pixels)) == flatbuffer
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_other_inputs_and_outputs_compute_the_same(io, quantized, flatbuffer, pixels):
    other = export_flatbuffer(quantized, "int8", io)
    file = read_graph(other)
    assert (file.inputs[0].type, file.outputs[0].type) == (io, io)
    np.testing.assert_array_equal(run(other, pixels), run(flatbuffer, pixels))


def test_a_batch_is_its_images(quantized, flatbuffer, pixels):
    three = export_flatbuffer(quantized, batch=3)
    assert read_graph(three).inputs[0].shape == (3, 12, 12, 3)
    np.testing.assert_array_equal(run(three, pixels[:5]), run(flatbuffer, pixels[:5]))


@pytest.mark.parametrize(
    ("kind", "kernel", "tolerance"),
    [("float", "float32", 1e-5), ("fp16", "float16", 2e-3), ("dynamic", "int8", 0.05)],
)
def test_other_kinds(kind, kernel, tolerance, model, pixels):
    flatbuffer = export_flatbuffer(lower(model, rewrites=PLAIN), kind)
    file = read_graph(flatbuffer)
    assert kernel in {tensor.type for tensor in file.tensors if tensor.constant_bytes}
    assert file.inputs[0].type == file.outputs[0].type == "float32"
    expected = np.asarray(model(PREPROCESSING.normalise(pixels)))
    assert np.abs(run(flatbuffer, pixels) - expected).max() <= tolerance * np.ptp(expected)
    assert file.macs == count(model).macs


def test_inputs_and_outputs_keep_the_models_order():
    a, b = layers.Input((8, 8, 3), name="zebra"), layers.Input((4, 4, 2), name="ant")
    x = layers.Add(name="sum")([layers.Conv2D(2, 3, 2, padding="same", name="stem")(a), b])
    outputs = [layers.Conv2D(channels, 1, name=name)(x) for name, channels in (("z", 5), ("b", 6), ("m", 7))]
    file = read_graph(export_flatbuffer(lower(keras.Model([a, b], outputs)), "float"))
    assert [tensor.shape[-1] for tensor in file.inputs] == [3, 2]
    assert [tensor.shape[-1] for tensor in file.outputs] == [5, 6, 7]


def test_arguments_that_do_not_go_together(model, quantized):
    for source, arguments, words in (
        (quantized, ("float",), "lowered float model for float, received a QuantizedModel"),
        (lower(model), ("int8",), "quantized model for int8, received a Lowered"),
        (quantize_aware(model), ("int8",), "calibrate it first"),
        (quantized, ("int4",), "int4"),
        (quantized, ("int8", "int16"), "int16"),
        (lower(model), ("fp16", "int8"), "float32 inputs and outputs"),
        (quantized, ("int8", "int8", 0), "at least 1"),
    ):
        with pytest.raises(UserError, match=words):
            export_flatbuffer(source, *arguments)


def file_of(operation: str, custom: bool = False, **changes) -> FileGraph:
    tensor = dataclasses.replace(TENSOR, **changes)
    return FileGraph(
        (FileOperation(operation, custom, (TENSOR,), (tensor,)),),
        (TENSOR, tensor),
        (TENSOR,),
        (TENSOR,),
        subgraphs=1,
        signed=True,
    )


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (file_of("FlexErf", custom=True), "FlexErf for 'model/layer/Op'"),
        (file_of("CONV_2D", dynamic=True), "'model/layer/Op' of CONV_2D, which is of an open size"),
        (file_of("TANH", type="float32"), "'model/layer/Op' of TANH, which is of float32"),
        (file_of("DEQUANTIZE", type="float32"), "'model/layer/Op' of DEQUANTIZE, which is of float32"),
        (file_of("CAST", type="int64"), "'model/layer/Op' of CAST, which is of int64"),
    ],
)
def test_what_is_not_int8_is_named(file, words):
    with pytest.raises(UserError, match=words):
        check_flatbuffer(file, "int8", "int8")


def test_the_border_of_an_int8_file_may_be_float():
    check = file_of("QUANTIZE", type="float32")
    float_io = dataclasses.replace(TENSOR, type="float32")
    check_flatbuffer(dataclasses.replace(check, inputs=(float_io,), outputs=(float_io,)), "int8", "float32")
    with pytest.raises(UserError, match="float32 inputs and outputs"):
        check_flatbuffer(check, "int8", "float32")


def test_an_operation_that_tflite_lacks_is_named():
    inputs = tf_keras.Input((4,), name="x")
    model = tf_keras.Model(inputs, tf_keras.layers.Lambda(lambda x: tf.math.igamma(x, x))(inputs))
    with pytest.raises(UserError, match="needs .*Igamma.*; replace that layer"):
        export._convert(model, {"x": (1, 4)}, ["y"], "float", "float32")


def test_no_flatbuffer():
    with pytest.raises(UserError, match="a flatbuffer for LiteRT"):
        read_graph(b"PK\x03\x04 and more")

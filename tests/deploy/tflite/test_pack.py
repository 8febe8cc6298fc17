"""Packing: fewer bytes, the same model to LiteRT (reference kernels and XNNPACK) and to TFLite Micro."""

import functools
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from tformer_edge.contract import describe, read_model_file, write_model_file
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.deploy.tflite.pack import Packed, pack
from tformer_keras.deploy.tflite.sharing_builder import BUFFER_ALIGNMENT
from tformer_keras.deploy.tflite.tensor_names import names_of


@functools.cache
def int8_model() -> bytes:
    """Convolutions, additions, a concatenation, a slice, a pooling and a dense layer, by TensorFlow's converter."""
    import tensorflow as tf
    import tf_keras

    tf_keras.utils.set_random_seed(0)
    layers = tf_keras.layers
    x = image = tf_keras.Input((16, 16, 3), batch_size=1)
    x = layers.Conv2D(16, 3, 2, "same", activation="relu6")(x)
    for block in range(6):
        y = layers.DepthwiseConv2D(3, padding="same", name=f"block{block}_depthwise")(x)
        y = layers.Conv2D(16, 1, activation="relu6", name=f"block{block}_pointwise")(y)
        x = layers.Add()([x, y])
    x = layers.Concatenate()([x[..., :8], layers.MaxPooling2D(3, 1, "same")(x)])
    x = layers.Dense(10)(layers.GlobalAveragePooling2D()(x))
    rng = np.random.default_rng(0)
    converter = tf.lite.TFLiteConverter.from_keras_model(tf_keras.Model(image, x))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: [
        [rng.normal(size=(1, 16, 16, 3)).astype("float32")] for _ in range(4)
    ]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


@functools.cache
def packed() -> Packed:
    return pack(int8_model())


@functools.cache
def control_flow_model() -> bytes:
    """Several subgraphs, a batch that is left open, and two signatures, in float32."""
    import tensorflow as tf

    class Module(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, "x")])
        def double_until_large(self, x: Any) -> Any:
            return {"y": tf.while_loop(lambda v: tf.reduce_sum(v) < 100.0, lambda v: (v * 2.0,), (x,))[0]}

        @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, "x")])
        def negate(self, x: Any) -> Any:
            return {"y": -x}

    module = Module()
    functions = [module.double_until_large.get_concrete_function(), module.negate.get_concrete_function()]
    converter = tf.lite.TFLiteConverter.from_concrete_functions(functions, module)
    return bytes(converter.convert())


def as_object(flatbuffer: bytes) -> Any:
    return schema.ModelT.InitFromPackedBuf(flatbuffer)


def as_plain(value: Any) -> Any:
    """Tables of the object API as dictionaries, so that they compare."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [as_plain(item) for item in value]
    if hasattr(value, "__dict__"):
        return {key: as_plain(item) for key, item in vars(value).items()}
    return value


def images(count: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(-128, 128, (count, *shape[1:])).astype(np.int8)


@pytest.mark.parametrize("kernels", ["reference", "xnnpack"])
def test_litert_computes_the_same(kernels: str) -> None:
    before, after = LiteRT(int8_model(), kernels), LiteRT(packed().flatbuffer, kernels)
    assert before.delegation() == after.delegation()
    assert before.delegation()[0] == (1 if kernels == "xnnpack" else 0)
    batch = images(50, before.input.shape)
    np.testing.assert_array_equal(before.run_all(batch)[0], after.run_all(batch)[0])
    assert (
        len(np.unique(after.run_all(batch)[0], axis=0)) > 40
    )  # a model that answers the same to all proves nothing


def test_tflite_micro_computes_the_same() -> None:
    micro = pytest.importorskip(
        "tflite_micro", reason="needs TFLite Micro: .venv/bin/pip install -e .[micro]"
    )
    before, after = (
        micro.runtime.Interpreter.from_bytes(flatbuffer, arena_size=1 << 19)
        for flatbuffer in (int8_model(), packed().flatbuffer)
    )
    for image in images(10, (1, 16, 16, 3)):
        outputs = []
        for interpreter in (before, after):
            interpreter.set_input(image[None], 0)
            interpreter.invoke()
            outputs.append(interpreter.get_output(0))
        np.testing.assert_array_equal(*outputs)


@pytest.mark.parametrize("kernels", ["reference", "xnnpack"])
def test_litert_ignores_a_contract_behind_the_flatbuffer(kernels: str) -> None:
    flatbuffer = packed().flatbuffer
    labels = [str(index) for index in range(10)]
    contract = describe(flatbuffer, labels, (), name="tiny", image=Preprocessing((16, 16)))
    file = write_model_file(flatbuffer, contract, labels)
    assert read_model_file(file).flatbuffer == flatbuffer
    batch = images(5, (1, 16, 16, 3))
    with_contract, without = LiteRT(file, kernels), LiteRT(flatbuffer, kernels)
    np.testing.assert_array_equal(with_contract.run_all(batch)[0], without.run_all(batch)[0])


@pytest.mark.parametrize("model", [int8_model, control_flow_model])
def test_only_what_no_interpreter_reads_is_gone(model: Any) -> None:
    before, after = as_object(model()), as_object(pack(model()).flatbuffer)
    for graph_before, graph_after in zip(before.subgraphs, after.subgraphs, strict=True):
        for old, new in zip(graph_before.tensors, graph_after.tensors, strict=True):
            data = [graph.buffers[tensor.buffer].data for graph, tensor in ((before, old), (after, new))]
            assert as_plain(data[0]) == as_plain(data[1])
            old.buffer = new.buffer = 0
            old.name = new.name = None
            # The converter writes an empty table, or calibration alone, where there is no quantization.
            if old.quantization is not None:
                old.quantization.min = old.quantization.max = None
                if old.quantization.scale is None:
                    old.quantization = None
        for operator in graph_before.operators:
            # No vector and an empty one are the same to an interpreter.
            for vector in ("mutatingVariableInputs", "intermediates"):
                if not np.size(getattr(operator, vector) or ()):
                    setattr(operator, vector, None)
            operator.debugMetadataIndex = -1
        graph_before.name, graph_before.debugMetadataIndex = None, -1
    for name in ("description", "metadata", "metadataBuffer"):
        setattr(before, name, None)
    before.buffers = after.buffers = None
    assert as_plain(before) == as_plain(after)


def test_several_subgraphs_signatures_and_an_open_batch() -> None:
    before = Interpreter(model_content=control_flow_model())
    after = Interpreter(model_content=pack(control_flow_model()).flatbuffer)
    assert before.get_signature_list() == after.get_signature_list()
    assert len(before.get_signature_list()) == 2
    for name in before.get_signature_list():
        x = np.array([[1, 2, 3], [0.5, 0.25, 0]], np.float32)
        results = [interpreter.get_signature_runner(name)(x=x)["y"] for interpreter in (before, after)]
        np.testing.assert_array_equal(*results)


def test_smaller_deterministic_and_packed_once() -> None:
    flatbuffer = packed().flatbuffer
    assert flatbuffer[4:8] == b"TFL3"
    assert len(flatbuffer) < 0.75 * len(int8_model())
    assert pack(int8_model()).flatbuffer == flatbuffer
    assert pack(flatbuffer).flatbuffer == flatbuffer


def test_names_are_handed_back() -> None:
    tensors = as_object(int8_model()).subgraphs[0].tensors
    assert packed().names == {index: tensor.name.decode() for index, tensor in enumerate(tensors)}
    assert any("block3_depthwise" in name for name in packed().names.values())
    assert b"block3_depthwise" not in packed().flatbuffer


@pytest.mark.parametrize("names", ["short", "full"])
def test_named_tensors_have_names_of_their_own_and_compute_the_same(names: Any) -> None:
    named = pack(int8_model(), names).flatbuffer
    assert pack(named, names).flatbuffer == named
    assert pack(named).flatbuffer == packed().flatbuffer
    batch = images(5, (1, 16, 16, 3))
    np.testing.assert_array_equal(
        LiteRT(named).run_all(batch)[0], LiteRT(packed().flatbuffer).run_all(batch)[0]
    )
    model = as_object(named)
    (graph,), (signature,) = model.subgraphs, model.signatureDefs
    found = [tensor.name for tensor in graph.tensors]
    assert all(found) and len(set(found)) == len(found)
    for tensor in (*signature.inputs, *signature.outputs):
        assert found[tensor.tensorIndex] == tensor.name
    assert names_of(model) == names and names_of(as_object(packed().flatbuffer)) == "none"
    if names == "short":
        border = {*graph.inputs, *graph.outputs}
        assert all(name == b"%x" % index for index, name in enumerate(found) if index not in border)
        # Its table, which may have stood once for equal tensors, and 12 bytes each for the name.
        assert len(named) - len(packed().flatbuffer) < 24 * len(found)
    else:
        assert any(b"block3_depthwise" in name for name in found)


def test_equal_names_are_told_apart() -> None:
    def change(model: Any) -> None:
        (graph,) = model.subgraphs
        graph.tensors[graph.outputs[0]].name = graph.tensors[graph.inputs[0]].name = b"3"

    found = [
        tensor.name
        for tensor in as_object(pack(without_signatures(change), "short").flatbuffer).subgraphs[0].tensors
    ]
    assert len(set(found)) == len(found)
    assert {b"3", b"3_"} <= set(found)


def test_each_graph_of_a_file_has_names() -> None:
    named = pack(control_flow_model(), "short").flatbuffer
    assert pack(named, "short").flatbuffer == named
    for graph in as_object(named).subgraphs:
        found = [tensor.name for tensor in graph.tensors]
        assert all(found) and len(set(found)) == len(found)
    before, after = Interpreter(model_content=control_flow_model()), Interpreter(model_content=named)
    assert before.get_signature_list() == after.get_signature_list()


def test_equal_vectors_and_tables_stand_once_and_buffers_are_aligned() -> None:
    flatbuffer = packed().flatbuffer
    model = schema.Model.GetRootAs(flatbuffer)
    places: dict[str, list[tuple[int, bytes]]] = {"zero points": [], "scales": [], "shapes": []}
    tables: list[tuple[int, Any]] = []
    for index in range(model.Subgraphs(0).TensorsLength()):
        tensor = model.Subgraphs(0).Tensors(index)
        places["shapes"].append((tensor._tab.Vector(tensor._tab.Offset(4)), tensor.ShapeAsNumpy().tobytes()))
        quantization = tensor.Quantization()
        if quantization is not None:
            table = quantization._tab
            places["scales"].append((table.Vector(table.Offset(8)), quantization.ScaleAsNumpy().tobytes()))
            places["zero points"].append(
                (table.Vector(table.Offset(10)), quantization.ZeroPointAsNumpy().tobytes())
            )
            tables.append(
                (table.Pos, repr(as_plain(schema.QuantizationParametersT.InitFromObj(quantization))))
            )
    for found in (*places.values(), tables):
        assert len({position for position, _ in found}) == len({content for _, content in found}) < len(found)
    for index in range(1, model.BuffersLength()):
        table = model.Buffers(index)._tab
        assert table.Vector(table.Offset(4)) % BUFFER_ALIGNMENT == 0


def without_signatures(change: Any = None) -> bytes:
    model = as_object(int8_model())
    model.signatureDefs = None
    if change:
        change(model)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_without_a_signature_inputs_and_outputs_keep_their_names() -> None:
    graph = as_object(pack(without_signatures()).flatbuffer).subgraphs[0]
    named = {index for index, tensor in enumerate(graph.tensors) if tensor.name}
    assert named == {*graph.inputs, *graph.outputs}


def move_outside(model: Any) -> None:
    model.buffers[-1].offset, model.buffers[-1].size = 1 << 20, 64


@pytest.mark.parametrize(
    ("flatbuffer", "message"),
    [
        (lambda: b"", "expected a TFLite flatbuffer"),
        (lambda: b"PK\3\4" + bytes(40), "expected a TFLite flatbuffer"),
        (lambda: without_signatures(move_outside), "constants outside it"),
    ],
)
def test_refused(flatbuffer: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        pack(flatbuffer())

"""The flatbuffer reader: equal to LiteRT's own on good files, one sentence on all others, and never long."""

import struct
import time

import numpy as np
import pytest

from tests.edge.tiny_models import raw
from tformer_edge.flatbuffer import MAX_READS, Buffer, FlatbufferError
from tformer_edge.graph import FileGraph, read_graph
from tformer_edge.operators import CUSTOM, OPERATORS, TYPES


def outcome(data):
    """The graph, or None where the reader refuses; any other exception fails the test."""
    try:
        return read_graph(data)
    except FlatbufferError:
        return None


def table(*fields):
    """A table of 4-byte fields behind its vtable, and where the table begins in these bytes."""
    vtable = struct.pack("<HH", 4 + 2 * len(fields), 4 + 4 * len(fields))
    vtable += b"".join(struct.pack("<H", 0 if one is None else 4 + 4 * i) for i, one in enumerate(fields))
    vtable += bytes(-len(vtable) % 4)
    body = struct.pack("<i", len(vtable)) + b"".join(struct.pack("<I", one or 0) for one in fields)
    return vtable + body, len(vtable)


@pytest.mark.parametrize("name", ["int8-1", "int8-4", "float32-1", "averaged"])
def test_it_reads_what_litert_reads(folder, name):
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    data = (folder / "averaged.bin").read_bytes() if name == "averaged" else raw(folder / f"{name}.tflite")
    interpreter = Interpreter(
        model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    graph = read_graph(data)
    expected = [one["op_name"] for one in interpreter._get_ops_details()]
    assert graph.operators == {one: expected.count(one) for one in set(expected)}
    assert list(graph.operators.values()) == sorted(graph.operators.values(), reverse=True)
    details = interpreter.get_tensor_details()
    assert len(graph.tensors) == len(details) and graph.subgraphs == 1
    for tensor, detail in zip(graph.tensors, details, strict=True):
        quantization = detail["quantization_parameters"]
        assert tensor.index == detail["index"] and tensor.shape == tuple(detail["shape"])
        np.testing.assert_array_equal(np.float32(tensor.scales), quantization["scales"])
        np.testing.assert_array_equal(tensor.zero_points, quantization["zero_points"])
    for operation, detail in zip(graph.operations, interpreter._get_ops_details(), strict=True):
        assert [one.index for one in operation.inputs] == [index for index in detail["inputs"] if index >= 0]
        assert [one.index for one in operation.outputs] == list(detail["outputs"])
    for tensors, details in (
        (graph.inputs, interpreter.get_input_details()),
        (graph.outputs, interpreter.get_output_details()),
    ):
        assert [(one.shape, one.type, one.name) for one in tensors] == [
            (tuple(detail["shape"]), np.dtype(detail["dtype"]).name, detail["name"]) for detail in details
        ]
    model = schema.ModelT.InitFromPackedBuf(data)
    used = {tensor.buffer for tensor in model.subgraphs[0].tensors}
    assert graph.constant_bytes == sum(
        len(model.buffers[index].data) for index in used if model.buffers[index].data is not None
    )


def test_parameters_are_those_of_the_layers(folder):
    # 3·3·3·8 + 8, 3·3·8 + 8, 8·3 + 3 and no more: axes and shapes are not parameters.
    graph = read_graph(raw(folder / "int8-1.tflite"))
    assert 216 + 72 + 24 <= graph.parameters <= 216 + 8 + 72 + 8 + 24 + 3


def test_names_are_those_of_the_installed_schema():
    from ai_edge_litert import schema_py_generated as schema

    def names(kind):
        return {value: name for name, value in vars(kind).items() if isinstance(value, int)}

    assert dict(enumerate(OPERATORS)) == names(schema.BuiltinOperator)
    assert dict(enumerate(TYPES)) == {value: name.lower() for value, name in names(schema.TensorType).items()}
    assert OPERATORS[CUSTOM] == "CUSTOM"


def test_every_cut_and_every_overwritten_byte_ends_in_a_graph_or_a_sentence(folder):
    data = raw(folder / "int8-1.tflite")
    assert all(outcome(data[:length]) is None or length > 100 for length in range(len(data)))
    outcomes = set()
    for place in range(len(data)):
        for value in (0, 0x7F, 0x80, 0xFF):
            changed = bytearray(data)
            changed[place] = value
            outcomes.add(type(outcome(bytes(changed))))
    assert outcomes == {FileGraph, type(None)}
    random = np.random.default_rng(0)
    for size in random.integers(0, 300, 500):
        outcome(random.bytes(size))


@pytest.mark.parametrize("root", [0, 1, 7, 8, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_root_that_points_anywhere(root):
    with pytest.raises(FlatbufferError, match="flatbuffer for LiteRT"):
        read_graph(struct.pack("<I", root) + b"TFL3")


def test_a_vtable_that_lies_before_the_file_is_refused():
    data = struct.pack("<II", 8, 0) + struct.pack("<i", 1 << 20) + bytes(16)
    with pytest.raises(FlatbufferError, match="offset to byte -"):
        read_graph(data)


def test_many_offsets_to_one_place_are_counted():
    """A vector of a million offsets to one table in 4 MB: a file may describe more reading than it has bytes."""
    count = MAX_READS // 2
    empty, empty_at = table()
    head = struct.pack("<I4s", 8 + 8, b"TFL3")
    # Model with one field, operator_codes (1), which points at the vector right behind it.
    vtable = struct.pack("<HHHH", 8, 8, 0, 4)
    model = struct.pack("<iI", 8, 4)
    start = len(head) + len(vtable) + len(model)
    end = start + 4 + 4 * count + empty_at
    offsets = np.uint32(end) - np.arange(start + 4, start + 4 + 4 * count, 4, dtype=np.uint32)
    data = head + vtable + model + struct.pack("<I", count) + offsets.astype("<u4").tobytes() + empty
    assert Buffer(data).root().count(1, 4) == count
    started = time.perf_counter()
    with pytest.raises(FlatbufferError, match=f"over {MAX_READS} reads"):
        read_graph(data)
    assert time.perf_counter() - started < 20


def test_a_shape_of_100000_sides_is_refused_before_it_is_multiplied(folder):
    from ai_edge_litert import schema_py_generated as schema

    flatbuffers = pytest.importorskip("flatbuffers")
    model = schema.ModelT.InitFromPackedBuf(raw(folder / "int8-1.tflite"))
    model.subgraphs[0].tensors[0].shape = [2**31 - 1] * 100_000
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    started = time.perf_counter()
    with pytest.raises(FlatbufferError, match="100000 dimensions"):
        read_graph(bytes(builder.Output()))
    assert time.perf_counter() - started < 5


def test_names_cannot_move_the_cursor(folder):
    from ai_edge_litert import schema_py_generated as schema

    flatbuffers = pytest.importorskip("flatbuffers")
    model = schema.ModelT.InitFromPackedBuf(raw(folder / "int8-1.tflite"))
    code = model.operatorCodes[model.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = CUSTOM
    code.customCode = b"\x1b[2Jx\xff\n"
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    operators = read_graph(bytes(builder.Output())).operators
    assert "CUSTOM \\x1b[2Jx\\xff\\n" in operators

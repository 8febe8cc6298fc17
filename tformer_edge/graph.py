"""What a .tflite flatbuffer is made of: its operators, its border and its constants, read without LiteRT."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tformer_edge.flatbuffer import Buffer, FlatbufferError, Table
from tformer_edge.operators import CUSTOM, OPERATORS, PLACEHOLDER, TYPES

# Field numbers in LiteRT's schema.fbs.
_OPERATOR_CODES, _SUBGRAPHS, _BUFFERS = 1, 2, 4  # of Model
_DEPRECATED_CODE, _CUSTOM_NAME, _BUILTIN_CODE = 0, 1, 3  # of OperatorCode
_TENSORS, _INPUTS, _OUTPUTS, _OPERATORS = 0, 1, 2, 3  # of SubGraph
_SHAPE, _TYPE, _BUFFER, _NAME, _QUANTIZATION = 0, 1, 2, 3, 4  # of Tensor
_DATA, _OFFSET, _SIZE = 0, 1, 2  # of Buffer
_SCALE = 2  # of QuantizationParameters

MAX_DIMENSIONS = 16
MAX_ELEMENTS = 1 << 40

Item = TypeVar("Item")


@dataclass(frozen=True)
class GraphTensor:
    """A tensor of the file.

    Attributes:
        name: as in the file; packed files have none.
        type: the schema's, in lower case: "int8", "float32", …
        shape: sizes; -1 would be one that is not fixed.
        elements: the product of `shape`; 1 for a scalar.
        constant_bytes: bytes of its buffer in the file, 0 for what is computed.
        buffer: the number of that buffer.
        scales: how many quantization scales it has: 0, 1, or one a channel.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    elements: int
    constant_bytes: int
    buffer: int
    scales: int


@dataclass(frozen=True)
class Graph:
    """The first subgraph, which is what runs, and sums over the whole file.

    Attributes:
        operators: {name: how many}, the most frequent first; a custom one as "CUSTOM name".
        tensors: how many tensors.
        inputs, outputs: at the border.
        parameters: numbers in constants that are quantized or floating-point; what two tensors share counts once.
        constant_bytes: bytes of all constants, counted once.
        subgraphs: how many there are; those behind the first are bodies of IF, WHILE and CALL.
    """

    operators: dict[str, int]
    tensors: int
    inputs: tuple[GraphTensor, ...]
    outputs: tuple[GraphTensor, ...]
    parameters: int
    constant_bytes: int
    subgraphs: int


def read_graph(flatbuffer: bytes) -> Graph:
    """Reads the flatbuffer of a model. Raises FlatbufferError (a UserError) for anything else, and nothing else."""
    model = Buffer(flatbuffer).root()
    names = [_operator_name(code) for code in model.tables(_OPERATOR_CODES)]
    buffers = [_buffer_bytes(buffer, len(flatbuffer)) for buffer in model.tables(_BUFFERS)]
    subgraphs = list(model.tables(_SUBGRAPHS))
    if not subgraphs:
        raise FlatbufferError("one without a graph")
    main = subgraphs[0]
    tensors = [_tensor(tensor, buffers) for tensor in main.tables(_TENSORS)]
    counts = Counter(
        _item(names, operator.number(0, "I"), "operator code") for operator in main.tables(_OPERATORS)
    )
    constants = {tensor.buffer: tensor for tensor in tensors if tensor.constant_bytes}
    return Graph(
        operators=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        tensors=len(tensors),
        inputs=tuple(_item(tensors, index, "tensor") for index in main.numbers(_INPUTS)),
        outputs=tuple(_item(tensors, index, "tensor") for index in main.numbers(_OUTPUTS)),
        parameters=sum(
            one.elements
            for one in constants.values()
            if one.scales or one.type.startswith(("float", "bfloat"))
        ),
        constant_bytes=sum(one.constant_bytes for one in constants.values()),
        subgraphs=len(subgraphs),
    )


def _operator_name(code: Table) -> str:
    # Old files have the byte alone; new ones have it as well, or the placeholder where the number is greater.
    number = max(code.number(_DEPRECATED_CODE, "b"), code.number(_BUILTIN_CODE, "i"))
    if number == CUSTOM:
        return f"CUSTOM {code.text(_CUSTOM_NAME)}".rstrip()
    if not 0 <= number < len(OPERATORS) or number == PLACEHOLDER:
        return f"OPERATOR {number}"
    return OPERATORS[number]


def _buffer_bytes(buffer: Table, file_bytes: int) -> int:
    """Bytes of a constant. Files over 2 GB keep them behind the flatbuffer, by offset and size."""
    inside = buffer.count(_DATA, 1)
    if inside:
        return inside
    offset, size = buffer.number(_OFFSET, "Q"), buffer.number(_SIZE, "Q")
    if offset + size > file_bytes:
        raise FlatbufferError(f"a constant of {size} bytes that ends behind byte {file_bytes}")
    return size


def _tensor(tensor: Table, buffers: list[int]) -> GraphTensor:
    shape = tensor.numbers(_SHAPE)
    # The number of sizes first: a product of a million of them takes minutes.
    if len(shape) > MAX_DIMENSIONS or any(side < -1 for side in shape):
        raise FlatbufferError(f"a tensor of {len(shape)} dimensions, {shape[:MAX_DIMENSIONS]}")
    number, elements = tensor.number(_TYPE, "b"), math.prod(shape)
    if abs(elements) > MAX_ELEMENTS:
        raise FlatbufferError(f"a tensor of shape {shape}")
    quantization = tensor.table(_QUANTIZATION)
    buffer = tensor.number(_BUFFER, "I")
    return GraphTensor(
        name=tensor.text(_NAME),
        type=TYPES[number] if 0 <= number < len(TYPES) else f"type {number}",
        shape=shape,
        elements=max(elements, 0),
        constant_bytes=_item(buffers, buffer, "buffer"),
        buffer=buffer,
        scales=quantization.count(_SCALE, 4) if quantization else 0,
    )


def _item(items: Sequence[Item], index: int, what: str) -> Item:
    if not 0 <= index < len(items):
        raise FlatbufferError(f"{what} {index} where there are {len(items)}")
    return items[index]

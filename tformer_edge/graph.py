"""What a .tflite flatbuffer is made of: its operations, tensors and constants, read without LiteRT."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tformer_edge.flatbuffer import Buffer, FlatbufferError, Table
from tformer_edge.operators import CUSTOM, OPERATORS, PLACEHOLDER, TYPES

# Field numbers in LiteRT's schema.fbs.
_OPERATOR_CODES, _SUBGRAPHS, _BUFFERS, _SIGNATURES = 1, 2, 4, 7  # of Model
_DEPRECATED_CODE, _CUSTOM_NAME, _BUILTIN_CODE = 0, 1, 3  # of OperatorCode
_TENSORS, _INPUTS, _OUTPUTS, _OPERATORS = 0, 1, 2, 3  # of SubGraph
_CODE_INDEX, _OPERATOR_INPUTS, _OPERATOR_OUTPUTS = 0, 1, 2  # of Operator
_SHAPE, _TYPE, _BUFFER, _NAME, _QUANTIZATION, _SHAPE_SIGNATURE = 0, 1, 2, 3, 4, 7  # of Tensor
_DATA, _OFFSET, _SIZE = 0, 1, 2  # of Buffer
_SCALE, _ZERO_POINT = 2, 3  # of QuantizationParameters

MAX_DIMENSIONS = 16
MAX_ELEMENTS = 1 << 40
# A tensor into which the converter merged several layers has the names of all of them.
MAX_NAME_BYTES = 1 << 16

# Where the kernel stands among the inputs of what multiplies and accumulates, and the data that it meets.
_KERNEL_OPERATIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D")

Item = TypeVar("Item")


@dataclass(frozen=True)
class FileTensor:
    """A tensor of the file.

    Attributes:
        index: as interpreters count.
        name: as the file calls it: empty, a number in hexadecimal, or what the converter made of the layer's.
        type: the schema's, in lower case: "int8", "float32", …
        shape: sizes; -1 would be one that is not fixed.
        dynamic: whether the file leaves a size open.
        scales, zero_points: of its quantization: none, one, or one a channel.
        constant_bytes: bytes of its buffer in the file, 0 for what is computed.
        buffer: the number of that buffer.
    """

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    dynamic: bool
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    constant_bytes: int
    buffer: int

    @property
    def elements(self) -> int:
        """The product of `shape`: 1 for a scalar, 0 where a size is open."""
        return max(math.prod(self.shape), 0)


@dataclass(frozen=True)
class FileOperation:
    """An operation of the first subgraph.

    Attributes:
        type: "CONV_2D", …; of a custom operation its own name.
        custom: whether TFLite's own operations do not have it (TensorFlow's "Flex" ones are custom as well).
        inputs, outputs: tensors; an optional input that is not there is left out.
    """

    type: str
    custom: bool
    inputs: tuple[FileTensor, ...]
    outputs: tuple[FileTensor, ...]

    @property
    def weight_bytes(self) -> int:
        return sum(tensor.constant_bytes for tensor in self.inputs)

    @property
    def is_int8(self) -> bool:
        """Whether it computes in int8: no floating-point tensor goes in or comes out."""
        return not any(tensor.type.startswith("float") for tensor in (*self.inputs, *self.outputs))

    @property
    def macs(self) -> int:
        """Multiply-accumulates; 0 for an operation without a kernel, or whose tensors are not those of its type."""
        shapes = [tensor.shape for tensor in self.inputs]
        if len(shapes) < 2 or not self.outputs or not all(shapes[:2]):
            return 0
        outputs = self.outputs[0].elements
        if self.type == "BATCH_MATMUL":
            return outputs * max(shapes[0][-1], 0)
        if self.type not in _KERNEL_OPERATIONS:
            return 0
        kernel = shapes[1]
        if (
            self.type == "TRANSPOSE_CONV"
        ):  # output shape, kernel, input: each input pixel meets the whole kernel
            return max(math.prod(shapes[2][:-1]) * math.prod(kernel), 0) if len(shapes) > 2 else 0
        # Kernels are stored output channels first, depthwise ones with a leading 1: the rest is what one output takes.
        one_output = kernel[:-1] if self.type == "DEPTHWISE_CONV_2D" else kernel[1:]
        return max(outputs * math.prod(one_output), 0)


@dataclass(frozen=True)
class FileGraph:
    """The first subgraph, which is what runs: operations in the order in which they run.

    Attributes:
        inputs, outputs: at the border.
        subgraphs: how many there are; those behind the first are bodies of IF, WHILE and CALL.
        signed: whether a signature names the inputs and outputs.
    """

    operations: tuple[FileOperation, ...]
    tensors: tuple[FileTensor, ...]
    inputs: tuple[FileTensor, ...]
    outputs: tuple[FileTensor, ...]
    subgraphs: int
    signed: bool

    @property
    def operators(self) -> dict[str, int]:
        """{name: how many}, the most frequent first; a custom one as "CUSTOM name"."""
        counts = Counter(f"CUSTOM {one.type}".rstrip() if one.custom else one.type for one in self.operations)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def macs(self) -> int:
        return sum(operation.macs for operation in self.operations)

    @property
    def parameters(self) -> int:
        """Numbers in constants that are quantized or floating-point; what two tensors share counts once."""
        return sum(
            one.elements
            for one in self._constants()
            if one.scales or one.type.startswith(("float", "bfloat"))
        )

    @property
    def constant_bytes(self) -> int:
        """Bytes of all constants, counted once."""
        return sum(one.constant_bytes for one in self._constants())

    def _constants(self) -> Iterable[FileTensor]:
        return {one.buffer: one for one in self.tensors if one.constant_bytes}.values()

    def summary(self) -> dict[str, Any]:
        """What `tformer-edge inspect --json` says of it."""
        return {
            "operators": self.operators,
            "macs": self.macs,
            "tensors": len(self.tensors),
            "inputs": [_border(one) for one in self.inputs],
            "outputs": [_border(one) for one in self.outputs],
            "parameters": self.parameters,
            "constant_bytes": self.constant_bytes,
            "subgraphs": self.subgraphs,
        }


def _border(tensor: FileTensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "type": tensor.type,
        "shape": list(tensor.shape),
        # JSON has no infinity and no NaN, which a stranger's file may have.
        "scales": [scale if math.isfinite(scale) else None for scale in tensor.scales],
        "zero_points": list(tensor.zero_points),
    }


def read_graph(flatbuffer: bytes) -> FileGraph:
    """Reads the flatbuffer of a model. Raises FlatbufferError (a UserError) for anything else, and nothing else."""
    model = Buffer(flatbuffer).root()
    codes = [_operator(code) for code in model.tables(_OPERATOR_CODES)]
    buffers = [_buffer_bytes(buffer, len(flatbuffer)) for buffer in model.tables(_BUFFERS)]
    subgraphs = list(model.tables(_SUBGRAPHS))
    if not subgraphs:
        raise FlatbufferError("one without a graph")
    main = subgraphs[0]
    tensors = [_tensor(index, tensor, buffers) for index, tensor in enumerate(main.tables(_TENSORS))]

    def these(table: Table, field: int) -> tuple[FileTensor, ...]:
        return tuple(_item(tensors, index, "tensor") for index in table.numbers(field))

    operations = []
    for operator in main.tables(_OPERATORS):
        kind, custom = _item(codes, operator.number(_CODE_INDEX, "I"), "operator code")
        # -1 stands for an optional input that is not there.
        present = [index for index in operator.numbers(_OPERATOR_INPUTS) if index != -1]
        inputs = tuple(_item(tensors, index, "tensor") for index in present)
        operations.append(FileOperation(kind, custom, inputs, these(operator, _OPERATOR_OUTPUTS)))
    return FileGraph(
        operations=tuple(operations),
        tensors=tuple(tensors),
        inputs=these(main, _INPUTS),
        outputs=these(main, _OUTPUTS),
        subgraphs=len(subgraphs),
        signed=model.count(_SIGNATURES, 4) > 0,
    )


def _operator(code: Table) -> tuple[str, bool]:
    """(type, whether it is custom) of an operator code."""
    # Old files have the byte alone; new ones have it as well, or the placeholder where the number is greater.
    number = max(code.number(_DEPRECATED_CODE, "b"), code.number(_BUILTIN_CODE, "i"))
    if number == CUSTOM:
        return code.text(_CUSTOM_NAME), True
    if not 0 <= number < len(OPERATORS) or number == PLACEHOLDER:
        return f"OPERATOR {number}", False
    return OPERATORS[number], False


def _buffer_bytes(buffer: Table, file_bytes: int) -> int:
    """Bytes of a constant. Files over 2 GB keep them behind the flatbuffer, by offset and size."""
    inside = buffer.count(_DATA, 1)
    if inside:
        return inside
    offset, size = buffer.number(_OFFSET, "Q"), buffer.number(_SIZE, "Q")
    if offset + size > file_bytes:
        raise FlatbufferError(f"a constant of {size} bytes that ends behind byte {file_bytes}")
    return size


def _tensor(index: int, tensor: Table, buffers: list[int]) -> FileTensor:
    # The number of sizes first: a product of a million of them takes minutes.
    dimensions = tensor.count(_SHAPE, 4)
    shape = tensor.numbers(_SHAPE) if dimensions <= MAX_DIMENSIONS else ()
    if dimensions > MAX_DIMENSIONS or any(side < -1 for side in shape):
        raise FlatbufferError(f"a tensor of {dimensions} dimensions, {shape}")
    if abs(math.prod(shape)) > MAX_ELEMENTS:
        raise FlatbufferError(f"a tensor of shape {shape}")
    number, buffer = tensor.number(_TYPE, "b"), tensor.number(_BUFFER, "I")
    quantization = tensor.table(_QUANTIZATION)
    return FileTensor(
        index=index,
        name=tensor.text(_NAME, MAX_NAME_BYTES),
        type=TYPES[number] if 0 <= number < len(TYPES) else f"type {number}",
        shape=shape,
        dynamic=-1 in shape or -1 in tensor.numbers(_SHAPE_SIGNATURE),
        scales=quantization.numbers(_SCALE, "f") if quantization else (),
        zero_points=quantization.numbers(_ZERO_POINT, "q") if quantization else (),
        constant_bytes=_item(buffers, buffer, "buffer"),
        buffer=buffer,
    )


def _item(items: Sequence[Item], index: int, what: str) -> Item:
    if not 0 <= index < len(items):
        raise FlatbufferError(f"{what} {index} where there are {len(items)}")
    return items[index]

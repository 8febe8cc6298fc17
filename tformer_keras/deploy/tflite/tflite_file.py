"""A .tflite flatbuffer as plain Python: its operations and tensors, by the schema that LiteRT ships."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tformer_edge.errors import UserError

_TYPES = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
_OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
# Operations that multiply and accumulate, whose second input is the kernel.
_KERNEL_OPERATIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D")


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor of the main graph.

    Attributes:
        index: as interpreters count.
        name: as the converter called it; empty in a packed file.
        type: "int8", "float32", …
        shape: fixed sizes.
        dynamic: whether the file leaves a size open.
        scales, zero_points: of its quantization; empty without.
        constant_bytes: size of its constant, 0 where it is computed.
    """

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    dynamic: bool
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    constant_bytes: int


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation of the main graph.

    Attributes:
        type: "CONV_2D", …; of a custom operation its own name.
        custom: whether TFLite's own operations do not have it (TensorFlow's "Flex" ones are custom as well).
        inputs, outputs: tensors; an optional input that is not there is left out.
        macs: multiply-accumulates; 0 for an operation without a kernel.
    """

    type: str
    custom: bool
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    macs: int

    @property
    def weight_bytes(self) -> int:
        return sum(tensor.constant_bytes for tensor in self.inputs)

    @property
    def is_int8(self) -> bool:
        """Whether it computes in int8: no floating-point tensor goes in or comes out."""
        return not any(tensor.type.startswith("float") for tensor in (*self.inputs, *self.outputs))


@dataclasses.dataclass(frozen=True)
class TfliteFile:
    """The main graph of a flatbuffer: operations in the order in which they run.

    `signed` says whether a signature names the inputs and outputs.
    """

    operations: tuple[Operation, ...]
    tensors: tuple[Tensor, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    signed: bool

    @property
    def macs(self) -> int:
        return sum(operation.macs for operation in self.operations)


def read_tflite(flatbuffer: bytes) -> TfliteFile:
    """Reads a flatbuffer that this package's converter made; not for files of strangers.

    Raises:
        UserError: for bytes that are no .tflite flatbuffer.
    """
    if flatbuffer[4:8] != b"TFL3":
        raise UserError("the bytes of a .tflite file", "others", "give a file of `tformer convert`")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    graph = model.subgraphs[0]
    tensors = tuple(_tensor(index, tensor, model.buffers) for index, tensor in enumerate(graph.tensors))
    operations = []
    for operation in graph.operators:
        code = model.operatorCodes[operation.opcodeIndex]
        # Old writers fill the 8-bit field alone, new ones both.
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        custom = builtin == schema.BuiltinOperator.CUSTOM
        kind = code.customCode.decode() if custom else _OPERATORS[builtin]
        inputs = tuple(tensors[index] for index in operation.inputs if index >= 0)
        outputs = tuple(tensors[index] for index in operation.outputs)
        operations.append(Operation(kind, custom, inputs, outputs, _macs(kind, inputs, outputs)))
    return TfliteFile(
        tuple(operations),
        tensors,
        tuple(tensors[index] for index in graph.inputs),
        tuple(tensors[index] for index in graph.outputs),
        bool(model.signatureDefs),
    )


def _tensor(index: int, tensor: Any, buffers: list[Any]) -> Tensor:
    shape = tuple(int(size) for size in (tensor.shape if tensor.shape is not None else ()))
    signature = [] if tensor.shapeSignature is None else list(tensor.shapeSignature)
    quantization = tensor.quantization
    data = buffers[tensor.buffer].data
    return Tensor(
        index=index,
        name=(tensor.name or b"").decode(errors="replace"),
        type=_TYPES[tensor.type],
        shape=shape,
        dynamic=-1 in signature,
        scales=_tuple(quantization and quantization.scale, float),
        zero_points=_tuple(quantization and quantization.zeroPoint, int),
        constant_bytes=0 if data is None else len(data),
    )


def _tuple(values: Any, kind: type) -> tuple[Any, ...]:
    return () if values is None else tuple(kind(value) for value in np.atleast_1d(values))


def _macs(kind: str, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> int:
    if kind == "BATCH_MATMUL":
        return math.prod(outputs[0].shape) * inputs[0].shape[-1]
    if kind not in _KERNEL_OPERATIONS:
        return 0
    kernel = inputs[1].shape
    if kind == "TRANSPOSE_CONV":  # output shape, kernel, input: each input pixel meets the whole kernel
        return math.prod(inputs[2].shape[:-1]) * math.prod(kernel)
    # Kernels are stored output channels first, depthwise ones with a leading 1: the rest is what one output takes.
    one_output = math.prod(kernel[:-1]) if kind == "DEPTHWISE_CONV_2D" else math.prod(kernel[1:])
    return math.prod(outputs[0].shape) * one_output

"""Packs a flatbuffer (docs/device_graph.md): the same model in fewer bytes, for an exact interpreter of it.

What the converter writes for each tensor anew is written once (zero points, scales, quantization tables, shapes,
options of operators, equal constants), and what no interpreter reads is dropped: names of subgraphs, calibration
minima and maxima, the description, metadata, and of the names of tensors what is not asked for (`tensor_names.py`).
Signatures stay, with the names of inputs and outputs.

LiteRT refuses shortened zero-point vectors, and XNNPACK biases without scales: vectors are shared, never shortened.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tformer_edge.errors import UserError
from tformer_keras.deploy.tflite.sharing_builder import SharingBuilder
from tformer_keras.deploy.tflite.tensor_names import Names, name_tensors

IDENTIFIER = b"TFL3"


@dataclass(frozen=True)
class Packed:
    """A packed flatbuffer, and {tensor index: name} of its first subgraph as it was before."""

    flatbuffer: bytes
    names: dict[int, str]


def pack(flatbuffer: bytes, names: Names = "none") -> Packed:
    """The model of `flatbuffer`, packed. Tensors and operators keep their indices and order.

    The same input gives the same bytes, and packing a packed flatbuffer with the same `names` changes nothing.

    Args:
        flatbuffer: the bytes of a .tflite file without a contract.
        names: of tensors, see `name_tensors`.

    Raises UserError for bytes that are no TFLite flatbuffer, and for a model whose constants stand outside the
    flatbuffer (over 2 GB).
    """
    if flatbuffer[4:8] != IDENTIFIER:
        raise UserError(
            "a TFLite flatbuffer ('TFL3' at byte 4)",
            f"{flatbuffer[4:8]!r} there",
            "give the bytes of a .tflite file",
        )
    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    _refuse_outside(model)
    before = {
        index: tensor.name.decode("utf-8", "replace")
        for index, tensor in enumerate(model.subgraphs[0].tensors)
        if tensor.name
    }
    _drop_unread(model)
    name_tensors(model, names)
    _share_buffers(model)
    builder = SharingBuilder()
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return Packed(bytes(builder.Output()), before)


def _refuse_outside(model: Any) -> None:
    """Constants that are addressed from the start of the file would be lost or misplaced."""
    operators = [operator for subgraph in model.subgraphs for operator in subgraph.operators or ()]
    outside = (
        any(buffer.offset or buffer.size for buffer in model.buffers)
        or any(operator.largeCustomOptionsSize for operator in operators)
        or model.externalBuffers
    )
    if outside:
        raise UserError(
            "a model whose constants stand inside its flatbuffer",
            "one with constants outside it",
            "use it as it is, or convert a model of under 2 GB",
        )


def _drop_unread(model: Any) -> None:
    model.description = None
    # A minimum runtime version, which no interpreter reads, and the converter's options.
    model.metadata = None
    model.metadataBuffer = None
    for subgraph in model.subgraphs:
        subgraph.name = None
        subgraph.debugMetadataIndex = -1
        for tensor in subgraph.tensors:
            _drop_unread_of_tensor(tensor)
        for operator in subgraph.operators or ():
            operator.debugMetadataIndex = -1
            operator.mutatingVariableInputs = _unless_empty(operator.mutatingVariableInputs)
            operator.intermediates = _unless_empty(operator.intermediates)


def _drop_unread_of_tensor(tensor: Any) -> None:
    if tensor.shapeSignature is not None and np.array_equal(tensor.shapeSignature, tensor.shape):
        tensor.shapeSignature = None
    quantization = tensor.quantization
    if quantization is None:
        return
    quantization.min = quantization.max = None
    if _unless_empty(quantization.scale) is None and quantization.details is None:
        tensor.quantization = None


def _share_buffers(model: Any) -> None:
    """One buffer for equal contents, in the order of first use; buffer 0 is the empty one, as the schema asks."""
    kept = [schema.BufferT()]
    index_of: dict[bytes, int] = {b"": 0}
    for tensor in _tensors(model):
        data = model.buffers[tensor.buffer].data
        content = b"" if data is None else data.tobytes()
        if content not in index_of:
            index_of[content] = len(kept)
            kept.append(schema.BufferT(data=data))
        tensor.buffer = index_of[content]
    model.buffers = kept


def _tensors(model: Any) -> Iterable[Any]:
    return (tensor for subgraph in model.subgraphs for tensor in subgraph.tensors)


def _unless_empty(vector: Any) -> Any:
    return None if vector is None or len(vector) == 0 else vector

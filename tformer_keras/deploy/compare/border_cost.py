"""What a file's border costs: each of its operations alone in LiteRT, as devices run them."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tformer_edge.graph import FileGraph
from tformer_keras.deploy.tflite.interpreter import LiteRT

CHANGES_TYPE = ("QUANTIZE", "DEQUANTIZE")
# What `graph/rewrites/pixel_input.py` puts in front, its product last.
PREFIX = ("RESHAPE", "DEPTHWISE_CONV_2D")


def border_costs(flatbuffer: bytes, file: FileGraph, prefix: bool, scores: bool) -> dict[str, float]:
    """Milliseconds a batch, one thread, by what it is: the median of inferences of zeros.

    Args:
        flatbuffer, file: packed, and what is in it.
        prefix: whether pixels are normalised by operations in front.
        scores: whether a softmax was added behind everything.
    """
    parts: dict[str, list[int]] = {}
    given, taken = {one.index for one in file.inputs}, {one.index for one in file.outputs}
    for number, operation in enumerate(file.operations):
        reads = any(one.index in given for one in operation.inputs)
        writes = any(one.index in taken for one in operation.outputs)
        if operation.type in CHANGES_TYPE and (reads or writes):
            parts.setdefault(f"{operation.type} of the {'input' if reads else 'output'}", []).append(number)
        elif scores and operation.type == "SOFTMAX":
            parts["SOFTMAX"] = [number]
    if prefix:
        last = next(number for number, one in enumerate(file.operations) if one.type == PREFIX[-1])
        parts["normalisation"] = [n for n in range(last + 1) if file.operations[n].type in PREFIX]
    return {
        what: round(sum(LiteRT(_alone(flatbuffer, number)).latency() for number in numbers), 4)
        for what, numbers in parts.items()
    }


def _alone(flatbuffer: bytes, number: int) -> bytes:
    """The model of one operation."""
    model: Any = schema.ModelT.InitFromPackedBuf(flatbuffer)
    graph = model.subgraphs[0]
    operator = graph.operators[number]
    read = [graph.tensors[one].buffer for one in operator.inputs if one >= 0]
    given = [
        one for one in operator.inputs if one >= 0 and model.buffers[graph.tensors[one].buffer].data is None
    ]
    for index, buffer in enumerate(model.buffers):
        if index not in read:
            buffer.data = None  # of a large model's weights nothing is wanted
    graph.operators = [operator]
    graph.inputs, graph.outputs = np.array(given, np.int32), np.array(operator.outputs, np.int32)
    model.signatureDefs = None
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())

"""From a device graph to a .tflite flatbuffer, by TensorFlow's converter, and the proof of what is in it."""

from __future__ import annotations

import re
import tempfile
from typing import Any

import flatbuffers
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.python.convert import ConverterError

from tformer_edge.errors import UserError
from tformer_edge.graph import FileGraph, read_graph
from tformer_edge.quiet import quiet
from tformer_keras.deploy.graph.lower import Lowered
from tformer_keras.deploy.graph.nodes import plain_name
from tformer_keras.deploy.int8.quantized_model import QuantizedModel

KINDS = ("int8", "fp16", "float", "dynamic")
IO_TYPES = ("int8", "uint8", "float32")
# What an int8 file may hold: numbers, sums and sizes; uint8 at the border alone.
_INTEGERS = {"int8", "int32"}


def export_flatbuffer(
    source: Lowered | QuantizedModel, kind: str = "int8", io: str | None = None, batch: int = 1
) -> bytes:
    """Converts a device graph; the same graph gives the same bytes.

    Args:
        source: for int8 a calibrated or trained `QuantizedModel`, for the other kinds a `Lowered`.
        kind: "int8"; "fp16" (float16 weights, float32 arithmetic), "float" (float32), or "dynamic" (int8 weights, and
            activations quantized at run time).
        io: type of inputs and outputs: "int8", "uint8" or "float32"; None: int8 for int8, else float32.
        batch: images at a time, fixed in the file, at least 1.

    Raises:
        UserError: for arguments that do not go together, an operation that TFLite does not have, or an int8 file in
            which something is not int8.
    """
    io = io or ("int8" if kind == "int8" else "float32")
    check_arguments(kind, io, batch)
    if isinstance(source, QuantizedModel) != (kind == "int8"):
        needs = "a quantized model" if kind == "int8" else "a lowered float model"
        raise UserError(
            f"{needs} for {kind}", f"a {type(source).__name__}", "lower or quantize the model first"
        )
    if isinstance(source, QuantizedModel):
        if not source.calibrated:
            raise UserError("ranges for int8", "a model without", "calibrate it first")
        graph, model = source.lowered.graph, source.for_export(batch).model
    else:
        graph, model = source.graph, source.model
    # The converter's own names know fewer signs than Keras' do.
    shapes = {plain_name(name): (batch, *graph[name].shape) for name in graph.inputs}
    outputs = [plain_name(name) for name in graph.outputs]
    flatbuffer = _convert(model, shapes, outputs, kind, io)
    if not read_graph(flatbuffer).signed:
        # The converter goes by way of a file, and where it cannot write one, silently by another way without names.
        raise _no_room("the converter could not write there")
    flatbuffer = _in_order(flatbuffer, list(shapes), outputs)
    check_flatbuffer(read_graph(flatbuffer), kind, io)
    return flatbuffer


# A file's batch is fixed, and each of its images is computed for one that is missing.
MAX_BATCH = 1024


def check_arguments(kind: str, io: str, batch: int) -> None:
    """Raises UserError for a kind, type of inputs and outputs, and batch that no file can have."""
    if kind not in KINDS or io not in IO_TYPES:
        raise UserError(
            f"a kind among {', '.join(KINDS)} and inputs among {', '.join(IO_TYPES)}",
            f"{kind!r} and {io!r}",
            "take one of each",
        )
    if kind != "int8" and io != "float32":
        raise UserError(f"float32 inputs and outputs of a {kind} file", f"{io}", "only int8 has others")
    if not 1 <= batch <= MAX_BATCH:
        raise UserError(f"a batch of at least 1 and at most {MAX_BATCH}", str(batch), "1 is usual")


def _convert(model: Any, inputs: dict[str, tuple[int, ...]], outputs: list[str], kind: str, io: str) -> bytes:
    @tf.function
    def serve(*tensors: Any) -> dict[str, Any]:
        results = model(tensors[0] if len(tensors) == 1 else list(tensors), training=False)
        return dict(zip(outputs, tf.nest.flatten(results), strict=True))

    specifications = [tf.TensorSpec(shape, tf.float32, name) for name, shape in inputs.items()]
    with quiet():
        try:
            function = serve.get_concrete_function(*specifications)
            converter = tf.lite.TFLiteConverter.from_concrete_functions([function], _holder(model))
            # TFLITE_BUILTINS_INT8 would demand a data set to calibrate with, though the graph brings its ranges: so
            # TFLite's own operations alone are allowed here, and `check_flatbuffer` proves that all of them are int8.
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            if kind != "float":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if kind == "fp16":
                converter.target_spec.supported_types = [tf.float16]
            converter.inference_input_type = converter.inference_output_type = tf.as_dtype(io)
            converter.exclude_conversion_metadata = True
            return bytes(converter.convert())
        except ConverterError as error:
            raise _refusal(str(error)) from error
        except OSError as error:
            raise _no_room(error.strerror or str(error)) from error


def _holder(model: Any) -> tf.Module:
    """What the converter saves beside the function: the variables alone.

    Of a whole tf_keras model it would first save each layer with functions of its own: 32 of the 45 seconds that a
    conversion of the shipped model took [measured].
    """
    holder = tf.Module()
    holder.kept = list(model.variables)
    return holder


def _no_room(reason: str) -> UserError:
    return UserError(
        f"room for the conversion in the temporary folder {tempfile.gettempdir()}",
        reason.lower(),
        "free some, or name another folder in TMPDIR",
    )


def _in_order(flatbuffer: bytes, inputs: list[str], outputs: list[str]) -> bytes:
    """The file with its inputs and outputs in the model's order: the converter sorts them by name, or not at all."""
    if len(inputs) == len(outputs) == 1:
        return flatbuffer
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(flatbuffer, 0))
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    for role, names in (("inputs", inputs), ("outputs", outputs)):
        index = {tensor.name.decode(): tensor.tensorIndex for tensor in getattr(signature, role)}
        setattr(graph, role, np.array([index[name] for name in names], np.int32))
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _refusal(message: str) -> UserError:
    found = re.findall(r"^\s*(?:TF Select|Custom|Flex) ops: (.+)$", message, re.MULTILINE)
    if found:
        names = ", ".join(dict.fromkeys(name for line in found for name in line.strip().split(", ")))
        return UserError(
            "operations of TFLite alone", f"a graph that needs {names}, which it lacks", "replace that layer"
        )
    return UserError(
        "a graph that TFLite can hold",
        f"one of which its converter says: {message.strip().splitlines()[0]}",
        "replace the layer that it names",
    )


def check_flatbuffer(file: FileGraph, kind: str, io: str) -> None:
    """Proves that a file holds what it should.

    Raises:
        UserError: that names the operation and the tensor, for an operation that is not TFLite's own, a size that is
            left open, and in an int8 file for anything but int8 tensors and int32 sums and sizes.
    """
    for operation in file.operations:
        name = operation.outputs[0].name if operation.outputs else "no tensor"
        if operation.custom:
            raise UserError(
                "operations of TFLite alone", f"{operation.type} for {name!r}", "replace that layer"
            )
        for tensor in (*operation.inputs, *operation.outputs):
            if tensor.dynamic:
                raise UserError(
                    "fixed sizes",
                    f"{tensor.name!r} of {operation.type}, which is of an open size {tensor.shape}",
                    "build the model with a fixed input_shape",
                )
            if kind == "int8" and not _may_be(tensor.type, operation.type, io):
                raise UserError(
                    "int8 throughout",
                    f"{tensor.name!r} of {operation.type}, which is of {tensor.type}",
                    "replace that layer, or convert with --fp16",
                )
    for tensor in (*file.inputs, *file.outputs):
        if tensor.type != io:
            raise UserError(
                f"{io} inputs and outputs", f"{tensor.name!r} of {tensor.type}", "convert with another --io"
            )


def _may_be(tensor: str, operation: str, io: str) -> bool:
    return tensor in _INTEGERS or (tensor == io and operation in ("QUANTIZE", "DEQUANTIZE"))

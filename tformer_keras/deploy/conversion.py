"""A device graph as a finished model file: converted, checked, packed, with contract and golden vectors."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tformer_edge.contract import ModelFile, describe
from tformer_edge.errors import UserError
from tformer_edge.graph import FileGraph, read_graph
from tformer_edge.input_json import needs_later_format
from tformer_edge.output_json import Output
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.tasks import find_task
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.deploy.graph.emit import Emitted, emit
from tformer_keras.deploy.graph.lower import Lowered, splits_channels
from tformer_keras.deploy.graph.nodes import Graph
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.deploy.micro.memory_plan import plan_memory
from tformer_keras.deploy.micro.micro_operations import check_operations
from tformer_keras.deploy.tflite.export import export_flatbuffer
from tformer_keras.deploy.tflite.golden import golden_vectors
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.deploy.tflite.metadata import with_metadata
from tformer_keras.deploy.tflite.pack import pack
from tformer_keras.deploy.tflite.tensor_names import Names


@dataclass(frozen=True)
class Conversion:
    """A packed flatbuffer and what it was made of.

    Attributes:
        source: the device graph.
        kind, io, batch: as `export_flatbuffer` takes them.
        flatbuffer: packed.
        names: the converter's name of each tensor, whatever it is called in the packed flatbuffer.
    """

    source: Lowered | QuantizedModel
    kind: str
    io: str
    batch: int
    flatbuffer: bytes
    names: Mapping[int, str]

    @functools.cached_property
    def file(self) -> FileGraph:
        """What is in the flatbuffer."""
        return read_graph(self.flatbuffer)

    @property
    def graph(self) -> Graph:
        """The device graph with the weights that the file was made of."""
        return self.source.graph() if isinstance(self.source, QuantizedModel) else self.source.graph

    @functools.cached_property
    def float_form(self) -> Emitted:
        """That graph in float32, which proof and report share."""
        return float_form_of(self.source)

    @functools.cached_property
    def reference(self) -> LiteRT:
        """The flatbuffer in LiteRT's reference kernels, which keep what is between the operations."""
        return LiteRT(self.flatbuffer, "reference", keep_tensors=True)

    @functools.cached_property
    def xnnpack(self) -> LiteRT:
        """The flatbuffer in LiteRT as devices run it, one thread."""
        return LiteRT(self.flatbuffer)


def usual_names(target: str) -> Names:
    """How tensors are called where nobody said it: short for LiteRT; not at all for microcontrollers, to save flash."""
    return "none" if target == "micro" else "short"


def float_form_of(source: Lowered | QuantizedModel) -> Emitted:
    """A device graph in float32 with its current weights."""
    if isinstance(source, QuantizedModel):
        return source.float_form()
    return emit(source.graph, source.name, splits_channels(source.target, source.rewrites))


def convert(
    source: Lowered | QuantizedModel,
    kind: str = "int8",
    io: str | None = None,
    batch: int = 1,
    names: Names | None = None,
) -> Conversion:
    """Converts and packs a device graph; the same graph gives the same bytes. See `export_flatbuffer`.

    For microcontrollers the memory is planned as well (`memory_plan.py`).

    Args:
        source, kind, io, batch: as `export_flatbuffer` takes them.
        names: of tensors in the file, see `name_tensors`; None: `usual_names`.

    Raises:
        UserError: as `export_flatbuffer`; for an operation that the graph's target, TensorFlow Lite Micro, lacks.
    """
    io = io or ("int8" if kind == "int8" else "float32")
    packed = pack(export_flatbuffer(source, kind, io, batch), names or usual_names(source.target))
    flatbuffer = packed.flatbuffer
    if source.target == "micro":
        check_operations(read_graph(flatbuffer), packed.names)
        flatbuffer = plan_memory(flatbuffer).flatbuffer
    return Conversion(source, kind, io, batch, flatbuffer, packed.names)


def model_file(
    conversion: Conversion,
    *,
    name: str,
    task: str,
    preprocessing: Preprocessing,
    means: OutputsMean,
    source: Mapping[str, Any],
    accuracy: Mapping[str, Any] | None,
    versions: Mapping[str, str],
    metadata: bytes | None = None,
) -> ModelFile:
    """A model file: the flatbuffer with its contract and golden vectors.

    Args:
        name, task, source, accuracy, versions: as in `tformer_edge.contract.Contract`.
        preprocessing: of evaluation.
        means: what the outputs are.
        metadata: TFLite Metadata to write into the flatbuffer, or None.

    Raises:
        UserError: the model has other inputs or outputs than the task has.
    """
    file, labels = conversion.file, means.labels
    shapes = [tensor.shape for tensor in file.inputs], [tensor.shape for tensor in file.outputs]
    size, batch = preprocessing.input_size, conversion.batch
    outputs = find_task(task).output_shapes(batch, len(labels), size, means.outputs)
    expected = [(batch, *size, preprocessing.channels)], shapes[1] if outputs is None else outputs
    if shapes != expected:
        raise UserError(
            f"a model for {task} with inputs {expected[0]} and outputs {expected[1]}",
            f"{shapes[0]} and {shapes[1]}",
            "give labels, one a class, and a model that fit",
        )
    outputs_json = means.outputs
    if not outputs_json and needs_later_format(preprocessing):
        outputs_json = (Output("scores", "scores"),)
    golden = golden_vectors(conversion.reference, conversion.xnnpack, preprocessing, task, means)
    flatbuffer = conversion.flatbuffer
    if metadata is not None:
        flatbuffer = with_metadata(flatbuffer, metadata)
    contract = describe(
        flatbuffer,
        labels,
        golden,
        name=name,
        task=task,
        image=preprocessing,
        batch=conversion.batch,
        input_type=conversion.io,
        output_type=conversion.io,
        output_meaning=means.meaning,
        source=source,
        accuracy=accuracy,
        versions=versions,
        outputs=outputs_json,
        detection=means.detection,
        colours=means.colours,
        certainty=means.certainty,
    )
    return ModelFile(flatbuffer, contract, labels, golden)

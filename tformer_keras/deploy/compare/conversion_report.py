"""The report of a conversion: its figures as frozen data. `conversion_table.py` shows them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.contract import ModelFile
from tformer_edge.graph import FileGraph
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.deploy.border import PREFIXED, Border
from tformer_keras.deploy.compare.border_cost import border_costs
from tformer_keras.deploy.compare.file_proof import Proof
from tformer_keras.deploy.compare.layer_errors import LayerError, layer_errors, match_layers, tensors_of
from tformer_keras.deploy.conversion import Conversion
from tformer_keras.deploy.npu.vela import NpuEstimate
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.tasks.task import Evaluation

LATENCY_RUNS = 50
LAYER_IMAGES = 8  # reference kernels are slow
RUNTIME = "LiteRT with XNNPACK"


@dataclasses.dataclass(frozen=True)
class Measured:
    """What can be said of a conversion without images.

    Attributes:
        operations: how many of each type, the most frequent first.
        file_macs: multiply-accumulates an image in the file.
        partitions, left: parts that XNNPACK took, and the operations that it left to LiteRT's own kernels.
        int8_operations, int8_macs: the shares, 0 to 1, that are computed in int8.
        milliseconds, threads: median latency of `LATENCY_RUNS` batches.
        border: milliseconds of each operation at the border, alone; see `border_costs`.
    """

    operations: dict[str, int]
    file_macs: int
    partitions: int
    left: dict[str, int]
    int8_operations: float
    int8_macs: float
    milliseconds: float
    threads: int
    border: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """What LiteRT scores on a data set's test images."""

    data: str
    evaluation: Evaluation

    def to_json(self) -> dict[str, Any]:
        """As the contract keeps it."""
        found: dict[str, Any] = {name: figure.value for name, figure in self.evaluation.figures.items()}
        if self.evaluation.certainty is not None:
            found["certainty"] = self.evaluation.certainty.to_json()
        return {"data": self.data, "images": self.evaluation.images, **found, "runtime": RUNTIME}


@dataclasses.dataclass(frozen=True)
class ConversionReport:
    """Everything that is known of a conversion.

    Attributes:
        model: its name.
        weights: what they are, for people; `fresh`: whether they are untrained.
        kind, io, batch, target, rewrites: as they were chosen.
        notes: what the user should know.
        measured: of the flatbuffer.
        parameters, macs: of the Keras model; None where a layer has no counting rule.
        accuracy: on a data set, or None.
        layers: the error of each layer against the float model, on `layer_images`.
        flatbuffer_bytes, total_bytes: without and with the contract.
        golden: name and XNNPACK's difference of each golden vector.
        proof: what was compared before the file was given out; None where that was not wanted.
        npu: what the compiler of an NPU says of the file; None where none was asked.
        opens_in: {program: None, or why it does not open the file with right answers}.
    """

    model: str
    weights: str
    fresh: bool
    kind: str
    io: str
    batch: int
    target: str
    rewrites: tuple[str, ...]
    notes: tuple[str, ...]
    measured: Measured
    parameters: int | None
    macs: int | None
    accuracy: Accuracy | None
    layers: tuple[LayerError, ...]
    layer_images: str
    flatbuffer_bytes: int
    total_bytes: int
    golden: tuple[tuple[str, float], ...]
    proof: Proof | None
    npu: NpuEstimate | None = None
    opens_in: dict[str, str | None] = dataclasses.field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        measured = self.measured
        return {
            "model": self.model,
            "weights": self.weights,
            "fresh": self.fresh,
            "kind": self.kind,
            "io": self.io,
            "batch": self.batch,
            "target": self.target,
            "rewrites": list(self.rewrites),
            "notes": list(self.notes),
            "operations": measured.operations,
            "file_macs": measured.file_macs,
            "delegate": {"name": "XNNPACK", "partitions": measured.partitions, "left": measured.left},
            "int8": {"operations": measured.int8_operations, "macs": measured.int8_macs},
            "latency": {
                "milliseconds": measured.milliseconds,
                "runs": LATENCY_RUNS,
                "threads": measured.threads,
            },
            "border": measured.border,
            "parameters": self.parameters,
            "macs": self.macs,
            "accuracy": None if self.accuracy is None else self.accuracy.to_json(),
            "layers": [dataclasses.asdict(layer) for layer in self.layers],
            "layer_images": self.layer_images,
            "bytes": {
                "flatbuffer": self.flatbuffer_bytes,
                "contract": self.total_bytes - self.flatbuffer_bytes,
                "total": self.total_bytes,
            },
            "proof": None if self.proof is None else dataclasses.asdict(self.proof),
            "npu": None if self.npu is None else self.npu.to_json(),
            "opens_in": self.opens_in,
            "golden": [{"name": name, "xnnpack_difference": difference} for name, difference in self.golden],
        }


def measure(conversion: Conversion, threads: int = 1, border: Border | None = None) -> Measured:
    """Operations, delegate, int8 coverage and latency of a conversion, and what its border costs."""
    file = conversion.file
    interpreter = conversion.xnnpack if threads == 1 else LiteRT(conversion.flatbuffer, threads=threads)
    partitions, left = interpreter.delegation()
    operations, macs = int8_shares(file)
    return Measured(
        operations=dict(Counter(operation.type for operation in file.operations).most_common()),
        file_macs=file.macs // conversion.batch,
        partitions=partitions,
        left=dict(left.most_common()),
        int8_operations=operations,
        int8_macs=macs,
        milliseconds=round(interpreter.latency(LATENCY_RUNS), 4),
        threads=threads,
        border=border_costs(
            conversion.flatbuffer,
            file,
            border is not None and border.pixels == PREFIXED,
            border is not None and border.scores,
        ),
    )


def int8_shares(file: FileGraph) -> tuple[float, float]:
    """The shares, 0 to 1, of operations and of multiply-accumulates that are computed in int8."""
    whole = [operation for operation in file.operations if operation.is_int8]
    return (
        len(whole) / max(1, len(file.operations)),
        sum(operation.macs for operation in whole) / max(1, file.macs),
    )


def measure_layers(
    conversion: Conversion, pixels: NDArray[np.uint8], preprocessing: Preprocessing
) -> tuple[LayerError, ...]:
    """The error of each layer against the float model of the same weights."""
    layers = match_layers(conversion.file, conversion.names, conversion.graph)
    model = tensors_of(conversion.float_form, list(layers))
    # A batch of the file at the least.
    whole = np.resize(pixels, (max(len(pixels), conversion.batch), *pixels.shape[1:]))
    (errors,) = layer_errors(conversion.reference, layers, [(model, False)], whole, preprocessing)
    return tuple(errors)


def golden_of(file: ModelFile) -> tuple[tuple[str, float], ...]:
    """Name and XNNPACK's difference of each golden vector of a model file."""
    return tuple((one.name, one.xnnpack_difference) for one in file.golden)

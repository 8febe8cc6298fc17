"""What conversion did to each layer: the file's tensors, by reference kernels, beside those of a tf_keras model."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tf_keras
from numpy.typing import NDArray

from tformer_edge.graph import FileGraph, FileOperation
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.deploy.graph.emit import Emitted, layer_name
from tformer_keras.deploy.graph.lowering_proof import compiled
from tformer_keras.deploy.graph.nodes import Graph
from tformer_keras.deploy.tflite.interpreter import LiteRT, dequantize

# (b, h, w, 3) float32 → the tensors of layers by name.
Tensors = Callable[[NDArray[np.float32]], dict[str, NDArray[np.float32]]]


@dataclasses.dataclass(frozen=True)
class LayerError:
    """How far a layer's tensor in the file is from the model's.

    Attributes:
        name: of the node of the device graph.
        operation: the type of the file's operation that computes it.
        bytes: of its weights in the file.
        relative_error: root mean square of the difference, as a share of the model's root mean square.
        cosine: between the two, of all values of all images; 1 for equal directions.
        largest_lsb, mean_lsb: of the difference, in steps of the file's tensor; None for a float tensor.
    """

    name: str
    operation: str
    bytes: int
    relative_error: float
    cosine: float
    largest_lsb: int | None
    mean_lsb: float | None


def match_layers(file: FileGraph, names: Mapping[int, str], graph: Graph) -> dict[str, FileOperation]:
    """The operation that gives each node's tensor, in the order in which they run.

    Args:
        file: the flatbuffer.
        names: the converter's name of each tensor, which begins with the model's and the layer's name:
            "model/layer/Relu;model/layer/Conv2D".
        graph: the device graph. Nodes that the converter folded away find no operation.
    """
    known = {layer_name(node): name for name, node in graph.nodes.items()}
    # The converter gives outputs names of its own.
    outputs = {
        tensor.index: f"output/{layer_name(graph[name])}/output"
        for tensor, name in zip(file.outputs, graph.outputs, strict=True)
    }
    batch = file.inputs[0].shape[0]
    found: dict[str, FileOperation] = {}
    for operation in file.operations:
        tensor = operation.outputs[0]
        for part in [*names.get(tensor.index, "").split(";"), outputs.get(tensor.index, "")]:
            pieces = part.split("/")
            # Calls of one layer on several maps share its kernel, which the converter names after the first of them.
            node = next(
                (
                    known[piece]
                    for piece in pieces[1:-1]
                    if piece in known
                    and math.prod(tensor.shape) == batch * math.prod(graph[known[piece]].shape)
                ),
                None,
            )
            if node is not None:
                # The last operation of a layer of several gives its tensor; fused ones name the last layer first.
                found.pop(node, None)
                found[node] = operation
                break
    return found


def tensors_of(emitted: Emitted, nodes: list[str]) -> Tensors:
    """A function that computes the raw tensors of nodes of an emitted graph."""
    compute = compiled(tf_keras.Model(emitted.model.inputs, [emitted.tensors[node] for node in nodes]))
    return lambda images: dict(zip(nodes, compute(images), strict=True))


class _Sums:
    """Of one layer over all images."""

    def __init__(self) -> None:
        self.difference = self.model = self.file = self.product = self.lsb = 0.0
        self.largest, self.count = 0, 0

    def add(
        self,
        expected: NDArray[np.float32],
        received: NDArray[Any],
        scale: float,
        zero_point: int,
        in_steps: bool,
    ) -> None:
        real = dequantize(received, scale, zero_point).astype(np.float64)
        given = expected.astype(np.float64)
        if scale:
            limits = np.iinfo(received.dtype)
            steps = np.clip(np.rint(given / scale) + zero_point, limits.min, limits.max)
            difference = np.abs(steps - received)
            self.lsb += float(difference.sum())
            self.largest = max(self.largest, int(difference.max()))
            if in_steps:
                given = (steps - zero_point) * scale
        self.difference += float(np.sum((real - given) ** 2))
        self.model += float(np.sum(given**2))
        self.file += float(np.sum(real**2))
        self.product += float(np.sum(real * given))
        self.count += given.size

    def result(self, name: str, operation: FileOperation) -> LayerError:
        quantized = bool(operation.outputs[0].scales)
        energy = np.sqrt(self.model * self.file)
        return LayerError(
            name=name,
            operation=operation.type,
            bytes=operation.weight_bytes,
            relative_error=float(np.sqrt(self.difference / self.model)) if self.model else 0.0,
            cosine=self.product / energy if energy else 1.0,
            largest_lsb=self.largest if quantized else None,
            mean_lsb=self.lsb / max(1, self.count) if quantized else None,
        )


def layer_errors(
    interpreter: LiteRT,
    layers: Mapping[str, FileOperation],
    models: list[tuple[Tensors, bool]],
    pixels: NDArray[np.uint8],
    preprocessing: Preprocessing,
) -> list[list[LayerError]]:
    """The errors of each layer against each model, in the order of the layers.

    Args:
        interpreter: that keeps tensors; `pixels` are taken in whole batches of it.
        layers: from `match_layers`.
        models: from `tensors_of`, for all of these layers; with True the tensors are rounded to the file's steps first,
            as fake quantization does behind them.
        pixels: uint8 (n, h, w, 3), resized and cropped.
        preprocessing: makes the input of both.
    """
    sums = [{name: _Sums() for name in layers} for _ in models]
    for start in range(0, len(pixels) - interpreter.batch + 1, interpreter.batch):
        part = pixels[start : start + interpreter.batch]
        interpreter.run(interpreter.input_of(part, preprocessing))
        expected = [(model(preprocessing.normalise(part)), in_steps) for model, in_steps in models]
        for name, operation in layers.items():
            tensor = operation.outputs[0]
            quantization = (tensor.scales[0], tensor.zero_points[0]) if tensor.scales else (0.0, 0)
            received = interpreter.tensor(tensor.index)
            for table, (given, in_steps) in zip(sums, expected, strict=True):
                table[name].add(given[name].reshape(received.shape), received, *quantization, in_steps)
    return [[table[name].result(name, operation) for name, operation in layers.items()] for table in sums]

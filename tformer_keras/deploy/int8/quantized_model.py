"""Quantization-aware models: a lowered graph that trains with int8 in mind, its ranges, and its file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tformer_edge.errors import UserError
from tformer_edge.files import whole_file
from tformer_keras.deploy.graph.emit import Emitted, emit
from tformer_keras.deploy.graph.lower import TARGETS, Lowered, keeping_ranges, lower, splits_channels
from tformer_keras.deploy.graph.nodes import Graph, Weight
from tformer_keras.deploy.int8.equal_biases import unequal
from tformer_keras.deploy.int8.fake_quantization import GraphQuantizer
from tformer_keras.deploy.int8.quantized_file import ARRAYS_FILE, SOURCE_FILE, read_arrays, write_arrays
from tformer_keras.deploy.int8.range_floors import floored
from tformer_keras.deploy.int8.ranges import observe_ranges
from tformer_keras.models.keras_file import read_keras_file


class QuantizedModel:
    """A Keras 3 model as a tf_keras model that computes what int8 computes, to train, to measure and to export.

    Args:
        source: the functional Keras 3 model; its weights are the start.
        target, rewrites, npu: see `lower`.

    Attributes:
        model: the tf_keras model, fake quantization inside; trains with tf_keras' `compile` and `fit`.
        source, target, rewrites, notes: as given, and as `lower` returned them.
        calibrated: whether the ranges are known; without, outputs mean nothing.
    """

    def __init__(
        self,
        source: Any,
        target: str = "litert",
        rewrites: str | Iterable[str] = "all",
        npu: bool = False,
    ) -> None:
        self._begin(lower(source, target, rewrites, npu))

    @classmethod
    def of_graph(cls, lowered: Lowered) -> QuantizedModel:
        """The model of a graph that is lowered already, with the graph's weights and without ranges."""
        model = cls.__new__(cls)
        model._begin(lowered)
        return model

    def _begin(self, lowered: Lowered) -> None:
        source = lowered.source
        self.source, self.lowered = source, lowered
        self.target, self.rewrites, self.notes = lowered.target, lowered.rewrites, lowered.notes
        self._quantizer = GraphQuantizer(lowered.graph)
        self.emitted = emit(lowered.graph, source.name, self._split, self._quantizer)
        self.model = self.emitted.model
        self.calibrated = False
        self._float: Emitted | None = None

    @property
    def _split(self) -> bool:
        return splits_channels(self.target, self.rewrites)

    @property
    def bindings(self) -> list[tuple[Any, Weight]]:
        """Each tf_keras variable of weights with the piece of a named array that it holds."""
        return self.emitted.bindings

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """(lowest, highest) of each logical tensor."""
        return {name: (float(layer.low), float(layer.high)) for name, layer in self._quantizer.layers.items()}

    @ranges.setter
    def ranges(self, ranges: dict[str, tuple[float, float]]) -> None:
        missing = sorted(set(self._quantizer.layers) - set(ranges))
        if missing:
            raise UserError(
                f"a range for every tensor of the graph for {self.target!r}",
                f"none for {len(missing)}, the first of them {missing[0]!r}",
                "calibrate this graph instead",
            )
        for name, layer in self._quantizer.layers.items():
            low, high = ranges[name]
            if not (np.isfinite([low, high]).all() and low <= 0 <= high and low < high):
                raise UserError(
                    "low ≤ 0 ≤ high", f"{low} to {high}", "calibrate again", where=f"the range of {name!r}"
                )
            layer.low.assign(low)
            layer.high.assign(high)
        self.calibrated = True

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """The folded model's arrays by name (float32), whatever layout the graph has them in."""
        return self.gathered([variable.numpy() for variable in self.trained_variables])

    @weights.setter
    def weights(self, arrays: dict[str, np.ndarray]) -> None:
        expected = {w.name: w.shape for _, w in self.emitted.bindings if w.trainable}
        received = {name: array.shape for name, array in arrays.items()}
        if expected != received:
            wrong = sorted(name for name in expected | received if expected.get(name) != received.get(name))
            raise UserError(
                f"{wrong[0]!r} of shape {expected.get(wrong[0])}",
                f"{received.get(wrong[0])}",
                "they belong to another model, or to a graph whose norms were folded otherwise",
                where="Weights",
            )
        for variable, values in zip(self.trained_variables, self.scattered(arrays), strict=True):
            variable.assign(values)

    @property
    def trained_variables(self) -> list[Any]:
        """The variables of `bindings` that train."""
        return [variable for variable, weight in self.emitted.bindings if weight.trainable]

    def gathered(self, values: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
        """Whole arrays by name (float32) of one array for each of `trained_variables`, of its shape."""
        arrays: dict[str, np.ndarray] = {}
        pieces = [weight for _, weight in self.emitted.bindings if weight.trainable]
        for weight, piece in zip(pieces, values, strict=True):
            whole = arrays.setdefault(weight.name, np.zeros(weight.shape, "float32"))
            whole.flat[weight.index.reshape(-1)] = piece.reshape(-1)
        return arrays

    def scattered(self, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The other way: one array for each of `trained_variables`."""
        pieces = [weight for _, weight in self.emitted.bindings if weight.trainable]
        return [arrays[weight.name].reshape(-1)[weight.index] for weight in pieces]

    def graph(self) -> Graph:
        """The device graph with the current weights."""
        graph = self.lowered.graph
        arrays = self.weights
        for node in graph.nodes.values():
            for role, weight in node.weights.items():
                if weight.trainable:
                    node.weights[role] = weight.with_values(arrays[weight.name].reshape(-1)[weight.index])
        return graph

    def float_form(self) -> Emitted:
        """The device graph in float32: one model, which each call gives the current weights.

        To emit a large graph takes seconds, and calibration, proof and report all ask for it.
        """
        if self._float is None:
            self._float = emit(self.lowered.graph, self.source.name, self._split)
        arrays = self.weights
        for variable, weight in self._float.bindings:
            if weight.trainable:
                variable.assign(arrays[weight.name].reshape(-1)[weight.index])
        return self._float

    def calibrate(self, batches: Iterable[np.ndarray]) -> None:
        """Sets every range to the mean of the batches' smallest and largest values in float arithmetic.

        Args:
            batches: preprocessed images, float32 `(batch, height, width, channels)`; the more batches, the better.

        Raises:
            UserError: for no batch at all, a batch of another shape, or values that are not finite.
        """
        observed = observe_ranges(self.lowered.graph, self.float_form(), batches)
        pinned = {name: pair for name, pair in self.ranges.items() if self._quantizer.layers[name].pinned}
        self.ranges = floored(self.lowered.graph, observed | pinned)

    def pin_input(self, low: float, high: float) -> None:
        """Gives the one input a range that neither calibration nor training moves; call it before training."""
        (name,) = self.lowered.graph.inputs
        layer = self._quantizer.layers[str(self.lowered.graph[name].tensor)]
        layer.pinned = True
        layer.low.assign(low)
        layer.high.assign(high)

    def freeze_ranges(self, frozen: bool = True) -> None:
        """Stops (or lets) training move the ranges; takes effect at once, also in a compiled model."""
        self._quantizer.frozen.assign(frozen)

    def freeze_weights(self, frozen: bool = True) -> None:
        """Takes kernels and biases out of (or back into) training; compile the model again afterwards."""
        for layer in self.emitted.trained_layers:
            layer.trainable = not frozen

    def for_export(self, batch_size: int) -> Emitted:
        """The graph for a converter: weights as int8 has them, ranges as constants of fake quantization."""
        quantizer = GraphQuantizer(self.lowered.graph, quantize_weights=False)
        emitted = emit(self.graph(), self.source.name, self._split, quantizer, batch_size)
        ranges = floored(self.lowered.graph, self.ranges)
        for name, layer in quantizer.layers.items():
            low, high = ranges[name]
            layer.low.assign(low)
            layer.high.assign(high)
        for variable, _ in emitted.bindings:
            if variable.name.split("/")[-1] == "bias:0":
                variable.assign(unequal(variable.numpy()))
        return emitted

    def weights_file(self, path: str | os.PathLike[str]) -> None:
        """Writes arrays, ranges and options as one `.npz`, atomically and the same bytes for the same model.

        Raises:
            UserError: before calibration.
        """
        if not self.calibrated:
            raise UserError("ranges before a quantized model is saved", "none", "calibrate or train it first")
        options = {"target": self.target, "rewrites": list(self.rewrites), "name": self.source.name}
        write_arrays(Path(path), options, self.weights, self.ranges)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the source model and the quantized arrays into a folder, which `load_quantized` reads."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / SOURCE_FILE) as temporary:
            self.source.save(temporary)
        self.weights_file(folder / ARRAYS_FILE)


def quantize_aware(
    model: Any, target: str = "litert", rewrites: str | Iterable[str] = "all", npu: bool = False
) -> QuantizedModel:
    """The model for quantization-aware training: int8 weights a channel, int8 activations a tensor.

    Call `calibrate` next. See `lower` for the arguments and the errors.
    """
    return QuantizedModel(model, target, rewrites, npu)


def load_quantized(
    source: Any,
    arrays: str | os.PathLike[str] | None = None,
    target: str | None = None,
    rewrites: str | Iterable[str] | None = None,
    npu: bool = False,
) -> QuantizedModel:
    """Reads what `QuantizedModel.save` or `weights_file` wrote.

    Args:
        source: the folder, or the Keras 3 model that `arrays` belongs to.
        arrays: path of the `.npz`, with a model.
        target, rewrites: another graph for the same weights and ranges; None: as they were saved, or of another target
            all that fit the ranges.
        npu: see `lower`.

    Raises:
        UserError: for files that are missing, damaged, of a later format, or of another model.
    """
    if arrays is None:
        folder = Path(source)
        arrays = folder / ARRAYS_FILE
        for path in (folder / SOURCE_FILE, arrays):
            if not Path(path).is_file():
                raise UserError(
                    "a folder that `tformer quantize` wrote",
                    f"one without {path.name}",
                    "quantize again",
                    where=str(path.parent),
                )
        source = read_keras_file(folder / SOURCE_FILE)
    options, weights, ranges = read_arrays(Path(arrays))
    if target is None:
        target = options["target"]
        rewrites = options["rewrites"] if rewrites is None else rewrites
    elif rewrites is None and target in TARGETS:
        rewrites = keeping_ranges(target, options["rewrites"])
    model = QuantizedModel(source, target, "all" if rewrites is None else rewrites, npu)
    model.weights = weights
    model.ranges = ranges
    return model


__all__ = ["Lowered", "QuantizedModel", "Weight", "load_quantized", "quantize_aware"]

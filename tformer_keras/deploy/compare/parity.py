"""Parity: one model's forms side by side on real images, from Keras to LiteRT, and the layer where they part."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.preprocessing import Preprocessing
from tformer_edge.runner import Kernels, TensorInfo
from tformer_edge.tasks import find_task
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_edge.tasks.task import Task as DeviceTask
from tformer_keras.data.progress_bar import progress
from tformer_keras.deploy.compare.layer_errors import (
    LayerError,
    layer_errors,
    match_layers,
    tensors_of,
)
from tformer_keras.deploy.conversion import Conversion
from tformer_keras.deploy.graph.emit import emit
from tformer_keras.deploy.graph.lower import lower, splits_channels
from tformer_keras.deploy.graph.lowering_proof import compiled, extent
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.tasks.task import Evaluation, Task

BATCH = 64
# Float, float in the device's graph, fake quantization, and the file in LiteRT with either kernels.
FORMS = ("Keras", "lowered", "QAT", "reference", "XNNPACK")
IN_LITERT = FORMS[3:]

# Pixels (b, h, w, 3) → real-valued outputs (b, …).
Forward = Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """Beyond what two forms do not agree.

    Attributes:
        float_difference: between Keras and the lowered model: largest difference, as a share of the output's range.
        agreement: share of images with the same answer, at the least, between the quantization-aware model and LiteRT
            as devices run it, under XNNPACK.
        reference_agreement: the same where the reference kernels are one of the two. Both sets of kernels are right and
            round differently, each difference shifts what follows, and no model can agree with both better than they
            do with each other: on 98.84 % of the images with `tformer_micro_cifar10` [measured].
        layer_cosine: between a layer of the quantization-aware model and of LiteRT, at the least.
    """

    float_difference: float = 1e-4
    agreement: float = 0.99
    reference_agreement: float = 0.98
    layer_cosine: float = 0.98


@dataclasses.dataclass(frozen=True)
class Pair:
    """What lies between two forms.

    Attributes:
        first, second: names of forms.
        largest: difference of an output's value, as a share of the range of that output's values.
        largest_lsb, mean_lsb: differences in steps of the file's output; None where the second is no file.
        cosine: between all outputs of all images, the lowest of several outputs.
        agreement: how far the images get the same answer, the mean, 0 to 1.
    """

    first: str
    second: str
    largest: float
    largest_lsb: float | None
    mean_lsb: float | None
    cosine: float
    agreement: float


@dataclasses.dataclass(frozen=True)
class LayerPair:
    """A layer's errors against the float model and against the quantization-aware one."""

    against_float: LayerError
    against_quantized: LayerError

    @property
    def name(self) -> str:
        """Of the node of the device graph."""
        return self.against_float.name

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "operation": self.against_float.operation,
            "float": _figures(self.against_float),
            "quantized": _figures(self.against_quantized),
        }


@dataclasses.dataclass(frozen=True)
class ParityReport:
    """What a comparison found.

    Attributes:
        images, layer_images: how many were compared, and of them for the errors of layers.
        tolerance: beyond it two forms do not agree.
        forms: the evaluation of each form, by name.
        pairs: neighbours, and what devices run beside the quantization-aware model.
        layers: in the order in which they run.
        failures: what is beyond the tolerance, one sentence each.
    """

    images: int
    layer_images: int
    tolerance: Tolerance
    forms: dict[str, Evaluation]
    pairs: tuple[Pair, ...]
    layers: tuple[LayerPair, ...]
    failures: tuple[str, ...]

    @property
    def first_part(self) -> str | None:
        """The first layer where LiteRT parts from the quantization-aware model."""
        least = self.tolerance.layer_cosine
        return next((layer.name for layer in self.layers if layer.against_quantized.cosine < least), None)

    @property
    def passed(self) -> bool:
        """Whether all is within the tolerance."""
        return not self.failures

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "images": self.images,
            "layer_images": self.layer_images,
            "tolerance": dataclasses.asdict(self.tolerance),
            "forms": [
                {"form": name, **{key: figure.value for key, figure in evaluation.figures.items()}}
                for name, evaluation in self.forms.items()
            ],
            "pairs": [dataclasses.asdict(pair) for pair in self.pairs],
            "layers": [layer.to_json() for layer in self.layers],
            "first_part": self.first_part,
            "failures": list(self.failures),
            "passed": self.passed,
        }


def compare(
    conversion: Conversion,
    preprocessing: Preprocessing,
    task: Task,
    means: OutputsMean,
    pixels: NDArray[np.uint8],
    truth: Sequence[NDArray[Any]],
    layer_images: int = 8,
    tolerance: Tolerance | None = None,
) -> ParityReport:
    """Compares the forms of an int8 model.

    Args:
        conversion: of a `QuantizedModel`.
        preprocessing: of evaluation.
        task: of the model.
        means: what the model's outputs are.
        pixels: uint8 (n, h, w, 3), resized and cropped.
        truth: what they show, arrays (n, …) as the task encodes it.
        layer_images: how many of the images are used for the errors of layers.
        tolerance: None for the default.
    """
    tolerance = tolerance or Tolerance()
    quantized = conversion.source
    if not isinstance(quantized, QuantizedModel):
        raise TypeError("Expected the conversion of a quantized model.")
    steps = [tensor.scales[0] if tensor.scales else 0.0 for tensor in conversion.file.outputs]
    outputs = {
        name: _all(run, pixels, name) for name, run in _forms(conversion, quantized, preprocessing).items()
    }
    forms = {}
    for name, values in outputs.items():
        judge = task.judge(means.labels, means.meaning, max(steps) if name in IN_LITERT else 0.0)
        judge.add(values, truth, np.ones(len(pixels)))
        forms[name] = judge.result()
    device = find_task(task.name)
    pairs = tuple(
        _pair(first, second, outputs, device, means, steps if second in IN_LITERT else None)
        for first, second in (*itertools.pairwise(FORMS), (FORMS[2], FORMS[4]))
    )
    images = max(layer_images, conversion.batch)
    return ParityReport(
        images=len(pixels),
        layer_images=min(len(pixels), images),
        tolerance=tolerance,
        forms=forms,
        pairs=pairs,
        layers=_layers(conversion, quantized, preprocessing, pixels[:images]),
        failures=tuple(judge_pairs(pairs, tolerance)),
    )


def _forms(
    conversion: Conversion, quantized: QuantizedModel, preprocessing: Preprocessing
) -> dict[str, Forward]:
    def of_model(model: Any) -> Forward:
        run = compiled(model)
        return lambda pixels: run(preprocessing.normalise(pixels))

    def of_file(kernels: Kernels) -> Forward:
        return LiteRT(conversion.flatbuffer, kernels).forward(preprocessing)

    # Lowered anew: training may have changed the weights of the quantized model's own graph.
    lowered = lower(quantized.source, quantized.target, quantized.rewrites)
    models = (quantized.source, lowered.model, quantized.model)
    forms = [*map(of_model, models), of_file("reference"), of_file("xnnpack")]
    return dict(zip(FORMS, forms, strict=True))


def _all(run: Forward, pixels: NDArray[np.uint8], name: str) -> list[NDArray[np.float32]]:
    results = []
    with progress(name, len(pixels)) as report:
        for start in range(0, len(pixels), BATCH):
            part = pixels[start : start + BATCH]
            results.append(run(part))
            report(len(part))
    return [np.concatenate(parts) for parts in zip(*results, strict=True)]


def _pair(
    first: str,
    second: str,
    outputs: dict[str, list[NDArray[np.float32]]],
    device: DeviceTask,
    means: OutputsMean,
    steps: Sequence[float] | None,
) -> Pair:
    largest, cosines, largest_lsb, mean_lsb = [], [], [], []
    infos = [TensorInfo(one.shape, one.dtype.name) for one in outputs[first]]
    for number, (one, other) in enumerate(zip(outputs[first], outputs[second], strict=True)):
        given, received = one.astype(np.float64), other.astype(np.float64)
        difference = np.abs(given - received)
        energy = np.sqrt(np.sum(given**2) * np.sum(received**2))
        largest.append(float(difference.max() / extent(given)))
        cosines.append(float(np.sum(given * received) / energy) if energy else 1.0)
        if steps is not None and steps[number]:
            largest_lsb.append(float(np.rint(difference.max() / steps[number])))
            mean_lsb.append(float(difference.mean() / steps[number]))
    return Pair(
        first,
        second,
        # A NaN is the largest of all.
        float(np.max(largest)),
        max(largest_lsb, default=None),
        max(mean_lsb, default=None),
        float(np.min(cosines)),
        float(np.mean(device.agreement(outputs[first], outputs[second], infos, means))),
    )


def judge_pairs(pairs: Sequence[Pair], tolerance: Tolerance) -> list[str]:
    """What is beyond the tolerance, one sentence each."""
    failures = []
    for pair in pairs:
        between = f"{pair.first} and {pair.second}"
        if pair.second == "lowered" and not pair.largest <= tolerance.float_difference:
            failures.append(
                f"{between} differ by {pair.largest:.2g} of the output's range, tolerance "
                f"{tolerance.float_difference:g}"
            )
        least = tolerance.reference_agreement if "reference" in between else tolerance.agreement
        if pair.second in IN_LITERT and not pair.agreement >= least:
            failures.append(
                f"{between} agree on {100 * pair.agreement:.2f} % of the images, tolerance {100 * least:g} %"
            )
    return failures


def _layers(
    conversion: Conversion, quantized: QuantizedModel, preprocessing: Preprocessing, pixels: NDArray[np.uint8]
) -> tuple[LayerPair, ...]:
    graph = quantized.graph()
    layers = match_layers(conversion.file, conversion.names, graph)
    split = splits_channels(quantized.target, quantized.rewrites)
    emitted = [(emit(graph, "float_reference", split), False), (quantized.emitted, True)]
    models = [(tensors_of(form, list(layers)), in_steps) for form, in_steps in emitted]
    against_float, against_quantized = layer_errors(
        conversion.reference, layers, models, pixels, preprocessing
    )
    return tuple(LayerPair(*pair) for pair in zip(against_float, against_quantized, strict=True))


def _figures(error: LayerError) -> dict[str, Any]:
    names = ("relative_error", "cosine", "largest_lsb", "mean_lsb")
    return {name: getattr(error, name) for name in names}

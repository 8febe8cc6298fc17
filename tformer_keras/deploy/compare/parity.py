"""Parity: one model's forms side by side on real images, from Keras to LiteRT, and the layer where they part."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.progress_bar import progress
from tformer_keras.deploy.compare.layer_errors import (
    LayerError,
    compiled,
    layer_errors,
    match_layers,
    tensors_of,
)
from tformer_keras.deploy.conversion import Conversion
from tformer_keras.deploy.graph.emit import emit
from tformer_keras.deploy.graph.lower import lower, splits_channels
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.deploy.tflite.interpreter import LiteRT

BATCH = 64
# Float, float in the device's graph, fake quantization, and the file in LiteRT with either kernels.
FORMS = ("Keras", "lowered", "QAT", "reference", "XNNPACK")
IN_LITERT = FORMS[3:]

Scores = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """Beyond what two forms do not agree.

    Attributes:
        float_difference: between Keras and the lowered model: largest difference, as a share of the output's range.
        agreement: share of images with the same top-1, at the least, between the quantization-aware model and LiteRT
            as devices run it, under XNNPACK.
        reference_agreement: the same where the reference kernels are one of the two. Both sets of kernels are right and
            round differently, each difference shifts what follows, and no model can agree with both better than they
            do with each other: on 98.84 % of the images with the shipped CIFAR-10 model [measured].
        layer_cosine: between a layer of the quantization-aware model and of LiteRT, at the least.
    """

    float_difference: float = 1e-4
    agreement: float = 0.99
    reference_agreement: float = 0.98
    layer_cosine: float = 0.98


def compare(
    conversion: Conversion,
    preprocessing: Preprocessing,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.integer],
    layer_images: int = 8,
    tolerance: Tolerance | None = None,
) -> dict[str, Any]:
    """Compares the forms of an int8 classifier.

    Args:
        conversion: of a `QuantizedModel`.
        preprocessing: of evaluation.
        pixels: uint8 (n, h, w, 3), resized and cropped.
        labels: (n,), true classes.
        layer_images: how many of the images are used for the errors of layers.
        tolerance: None for the default.

    Returns:
        Plain data: "forms" (accuracy of each), "pairs" (what lies between neighbours), "layers", "first_part" (the
        first layer where LiteRT parts from the quantization-aware model, or None), "failures" (one sentence each) and
        "passed".
    """
    tolerance = tolerance or Tolerance()
    quantized = conversion.source
    if not isinstance(quantized, QuantizedModel):
        raise TypeError("Expected the conversion of a quantized model.")
    outputs = {
        name: _all(scores, pixels, name)
        for name, scores in _forms(conversion, quantized, preprocessing).items()
    }
    scale = conversion.file.outputs[0].scales[0] if conversion.file.outputs[0].scales else None
    forms = [
        {"form": name, "top1": float(np.mean(scores.argmax(axis=-1) == labels))}
        for name, scores in outputs.items()
    ]
    neighbours = [*itertools.pairwise(FORMS), (FORMS[2], FORMS[4])]
    pairs = [
        _pair(first, second, outputs[first], outputs[second], scale if second in IN_LITERT else None)
        for first, second in neighbours
    ]
    layers = _layers(conversion, quantized, preprocessing, pixels[: max(layer_images, conversion.batch)])
    parting = next(
        (row["name"] for row in layers if row["quantized"]["cosine"] < tolerance.layer_cosine), None
    )
    failures = judge(pairs, tolerance)
    return {
        "images": len(pixels),
        "layer_images": min(len(pixels), max(layer_images, conversion.batch)),
        "tolerance": dataclasses.asdict(tolerance),
        "forms": forms,
        "pairs": pairs,
        "layers": layers,
        "first_part": parting,
        "failures": failures,
        "passed": not failures,
    }


def _forms(
    conversion: Conversion, quantized: QuantizedModel, preprocessing: Preprocessing
) -> dict[str, Scores]:
    def of_model(model: Any) -> Scores:
        run = compiled(model)
        return lambda pixels: run(preprocessing.normalise(pixels))[0]

    def of_file(kernels: str) -> Scores:
        interpreter = LiteRT(conversion.flatbuffer, kernels)
        return lambda pixels: interpreter.real(
            interpreter.run_all(interpreter.input_of(pixels, preprocessing))
        )

    # Lowered anew: training may have changed the weights of the quantized model's own graph.
    lowered = lower(quantized.source, quantized.target, quantized.rewrites)
    models = (quantized.source, lowered.model, quantized.model)
    forms = [*map(of_model, models), of_file("reference"), of_file("xnnpack")]
    return dict(zip(FORMS, forms, strict=True))


def _all(scores: Scores, pixels: NDArray[np.uint8], name: str) -> NDArray[np.float32]:
    results = []
    with progress(name, len(pixels)) as report:
        for start in range(0, len(pixels), BATCH):
            part = pixels[start : start + BATCH]
            results.append(scores(part))
            report(len(part))
    return np.concatenate(results)


def _pair(
    first: str, second: str, one: NDArray[np.float32], other: NDArray[np.float32], scale: float | None
) -> dict[str, Any]:
    given, received = one.astype(np.float64), other.astype(np.float64)
    difference = np.abs(given - received)
    energy = np.sqrt(np.sum(given**2) * np.sum(received**2))
    return {
        "first": first,
        "second": second,
        "largest": float(difference.max() / max(np.ptp(given), 1e-12)),
        "largest_lsb": None if scale is None else float(np.rint(difference.max() / scale)),
        "mean_lsb": None if scale is None else float(difference.mean() / scale),
        "cosine": float(np.sum(given * received) / energy) if energy else 1.0,
        "agreement": float(np.mean(one.argmax(axis=-1) == other.argmax(axis=-1))),
    }


def judge(pairs: Sequence[Mapping[str, Any]], tolerance: Tolerance) -> list[str]:
    """What is beyond the tolerance, one sentence each."""
    failures = []
    for pair in pairs:
        between = f"{pair['first']} and {pair['second']}"
        if pair["second"] == "lowered" and not pair["largest"] <= tolerance.float_difference:
            failures.append(
                f"{between} differ by {pair['largest']:.2g} of the output's range, tolerance "
                f"{tolerance.float_difference:g}"
            )
        least = tolerance.reference_agreement if "reference" in between else tolerance.agreement
        if pair["second"] in IN_LITERT and not pair["agreement"] >= least:
            failures.append(
                f"{between} agree on {100 * pair['agreement']:.2f} % of the images, tolerance "
                f"{100 * least:g} %"
            )
    return failures


def _layers(
    conversion: Conversion, quantized: QuantizedModel, preprocessing: Preprocessing, pixels: NDArray[np.uint8]
) -> list[dict[str, Any]]:
    graph = quantized.graph()
    layers = match_layers(conversion.file, conversion.names, graph)
    split = splits_channels(quantized.target, quantized.rewrites)
    emitted = [(emit(graph, "float_reference", split), False), (quantized._emitted, True)]
    models = [(tensors_of(form, list(layers)), in_steps) for form, in_steps in emitted]
    against_float, against_quantized = layer_errors(
        conversion.flatbuffer, layers, models, pixels, preprocessing
    )
    return [
        {"name": one.name, "operation": one.operation, "float": _figures(one), "quantized": _figures(other)}
        for one, other in zip(against_float, against_quantized, strict=True)
    ]


def _figures(error: LayerError) -> dict[str, Any]:
    names = ("relative_error", "cosine", "largest_lsb", "mean_lsb")
    return {name: getattr(error, name) for name in names}

"""Proves that a converted file computes what its graph computes, before anybody is given it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.runner import KERNELS, Kernels
from tformer_keras.deploy.border import Border
from tformer_keras.deploy.compare.affordable import affordable
from tformer_keras.deploy.compare.layer_errors import (
    layer_errors,
    match_layers,
    tensors_of,
)
from tformer_keras.deploy.conversion import Conversion, float_form_of
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.graph.lowering_proof import BATCHES, compiled, prove_lowering
from tformer_keras.deploy.graph.nodes import same_numbers
from tformer_keras.deploy.int8.quantized_model import QuantizedModel

# Root mean square of the difference as a share of the outputs' own deviation. A file of other numbers is at 1 or above.
# int8 rounds in another order than fake quantization, and a step of difference early shifts what follows: the shipped
# model is at 0.02 to 0.04, untrained deep networks, whose outputs hardly depend on the image, at up to 0.5 [measured].
TOLERANCES = {"int8": 0.7, "float": 1e-4, "fp16": 0.02, "dynamic": 0.7}
# Between the model and its graph with a border that is exact; rounding of float32.
BORDER_TOLERANCE = 1e-3
# Above this the report says so.
NOTEWORTHY = 0.15
# Outputs that hardly vary are as good as their steps.
STEPS = 2.0
LAYER_COSINE = 0.9


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was compared before the file was given out.

    Attributes:
        images: how many; of a large model fewer by the reference kernels (`affordable`).
        lowering: largest difference between the Keras model and its device graph in float32, as a share of the
            outputs' range.
        files: of each set of LiteRT's kernels, the root mean square of the difference between the file and its graph as
            a share of the outputs' deviation.
        border: the same between the graph and the one with the file's border (`deploy/border.py`), in float32; None
            where the border changes nothing.
    """

    images: int
    lowering: float
    files: dict[str, float]
    border: float | None = None

    @property
    def note(self) -> str | None:
        """What the user should know of it."""
        worst = max(self.files.values(), default=0.0)
        if worst <= NOTEWORTHY:
            return None
        return (
            f"rounding moves the file's outputs by {100 * worst:.0f} % of their deviation: measure it on labelled "
            "images (--data), and train with quantization if that is too much"
        )


def prove(
    conversion: Conversion,
    pixels: NDArray[np.uint8],
    preprocessing: Preprocessing,
    kernels: Sequence[Kernels] = KERNELS,
    model: Callable[[NDArray[Any]], list[NDArray[Any]]] | None = None,
    border: Border | None = None,
) -> Proof:
    """Compares Keras ↔ lowered float, and the graph ↔ the file in LiteRT with both kernels, batch by batch; of a file
    with a border also the graph ↔ the one that has it.

    Of a large model the reference kernels and the float graphs see fewer images (`affordable`).

    Args:
        conversion: of a model of one input of images.
        pixels: uint8 (n, h, w, c), resized and cropped, n ≥ 3.
        preprocessing: makes the input of the Keras model.
        kernels: with which LiteRT runs the file.
        model: the Keras model `compiled`, where it is already.
        border: that the conversion's graph has; None: the file takes and gives what the model does.

    Raises:
        UserError: they part, or LiteRT cannot run the file; the sentence names the first layer where they part.
    """
    source = conversion.source
    images = preprocessing.normalise(pixels)
    takes = preprocessing if border is None else border.takes
    bordered = border is not None and border.changed
    # Training may have changed the weights of a quantized model's own graph.
    fresh = source if border is None else border.plain
    if isinstance(fresh, QuantizedModel):
        fresh = lower(source.source, source.target, source.rewrites)
    few = _few(conversion, len(pixels))
    fixed = source.source.inputs[0].shape[0] or 0
    moved = None
    if border is not None and bordered:
        # Beside the graph of the same weights: quantization may have trained them away from the Keras model's.
        plain = border.plain
        form = float_form_of(plain).model
        moved = _border_error(compiled(form), conversion, border, images, takes.normalise(pixels))
        own = plain.graph() if isinstance(plain, QuantizedModel) else plain.graph
    else:
        form, own = conversion.float_form.model, conversion.graph
    if not same_numbers(fresh.graph, own):
        form = None
    worst = prove_lowering(source.source, fresh, images[: max(few, fixed, *BATCHES)], form=form, run=model)
    expected = compiled(source.model)(takes.normalise(pixels))
    files: dict[str, float] = {}
    for chosen in kernels:
        try:
            litert = conversion.reference if chosen == "reference" else conversion.xnnpack
            seen = pixels[:few] if chosen == "reference" else pixels
            received = litert.forward(takes)(seen)
        except UserError as error:
            raise UserError(
                f"a file that LiteRT runs with its {chosen} kernels",
                error.received or str(error),
                "give other calibration images, or report it; nothing was written",
                where="proof of the file",
            ) from None
        off = max(
            _error(one[: len(seen)], other, info.scale)
            for one, other, info in zip(expected, received, litert.outputs, strict=True)
        )
        if not off <= TOLERANCES[conversion.kind]:
            where = _where(conversion, pixels, takes)
            raise UserError(
                f"a file equal to its graph (to {TOLERANCES[conversion.kind]:g} of its outputs' deviation)",
                f"one that is off by {off:.3g} with LiteRT's {chosen} kernels{where}",
                "give other calibration images, train with quantization, or report it; nothing was written",
                where="proof of the file",
            )
        files[chosen] = off
    return Proof(len(pixels), worst, files, moved)


def _border_error(
    plain: Callable[[NDArray[Any]], list[NDArray[Any]]],
    conversion: Conversion,
    border: Border,
    images: NDArray[np.float32],
    given: NDArray[np.float32],
) -> float:
    """How far the graph with its border is from the one without, `plain`, both in float32.

    Raises UserError where that is more than rounding, or than padding explains where the border is not exact.
    """
    expected = border.of_plain(plain(images))
    received = compiled(conversion.float_form.model)(given)
    off = max(_error(one, other, 0.0) for one, other in zip(expected, received, strict=True))
    most = BORDER_TOLERANCE if border.exact else TOLERANCES["int8"]
    if not off <= most:
        raise UserError(
            f"outputs that the file's border leaves as they are (to {most:g} of their deviation)",
            f"some that it moves by {off:.3g}",
            "add --exact, or leave --io pixels out; nothing was written",
            where="proof of the border",
        )
    return off


def _few(conversion: Conversion, images: int) -> int:
    try:
        return affordable(conversion.file, images)
    except UserError:  # no flatbuffer: LiteRT will say so, where the proof names it
        return images


def _error(expected: NDArray[Any], received: NDArray[Any], step: float) -> float:
    if expected.shape != received.shape or not (np.isfinite(expected).all() and np.isfinite(received).all()):
        return float("inf")
    given = expected.astype("float64")
    difference = float(np.sqrt(np.mean((given - received) ** 2)))
    deviation = float(np.std(given))
    if step and difference <= STEPS * step:
        return min(difference / max(deviation, 1e-30), difference / (STEPS * step) * 0.1)
    return difference / max(deviation, float(np.abs(given).max()) * 1e-3, 1e-30)


def _where(conversion: Conversion, pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> str:
    """The first layer whose tensor is another one in the file, as part of a sentence."""
    source = conversion.source
    try:
        layers = match_layers(conversion.file, conversion.names, conversion.graph)
        emitted = source.emitted if isinstance(source, QuantizedModel) else conversion.float_form
        models = [(tensors_of(emitted, list(layers)), isinstance(source, QuantizedModel))]
        (errors,) = layer_errors(conversion.reference, layers, models, pixels[:2], preprocessing)
    except (UserError, ValueError, KeyError):
        return ""
    name = next((one.name for one in errors if not one.cosine >= LAYER_COSINE), None)
    return "" if name is None else f", first in layer {name!r}"

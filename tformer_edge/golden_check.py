"""Proves that this machine computes what the exporter computed: the golden vectors that a model file carries."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.contract import Golden, ModelFile
from tformer_edge.errors import UserError
from tformer_edge.interface import interface_of
from tformer_edge.model import Model
from tformer_edge.runner import TensorInfo

# docs/contract.md, "Golden vectors": another processor's XNNPACK may be a unit or two beside the exporter's.
OTHER_PROCESSOR_UNITS = 2
# The same for float32 outputs, as a share of the largest golden value.
OTHER_PROCESSOR_SHARE = 1e-4


@dataclass(frozen=True)
class GoldenResult:
    """What became of one golden vector.

    Attributes:
        name: what it is, from the contract.
        difference: the largest, in units of the last place for integer outputs, absolute for float32 ones.
        allowed: the largest that passes: 0 with reference kernels and integers.
        answered: whether this machine reads the golden output as the exporter did, to the bit: boxes, or classes of
            pixels. True where there is nothing to read.
    """

    name: str
    difference: float
    allowed: float
    answered: bool = True

    @property
    def passed(self) -> bool:
        """Whether both the outputs and the answer are right."""
        return self.difference <= self.allowed and self.answered


def selftest(model: Model) -> tuple[GoldenResult, ...]:
    """Runs the golden inputs of an open model and compares the outputs with the golden ones.

    With reference kernels integers are equal. With XNNPACK they may differ by what the exporter saw
    (`xnnpack_difference`) and two units more; float32 by that and 1e-4 of the largest golden value.

    Raises UserError for a file without a contract or without golden vectors, and a closed model.
    """
    if model.file.contract is None or not model.file.golden:
        raise UserError(
            "golden vectors in the model file",
            "none",
            "convert the model with converters/to_tflite.py, which writes them into the file",
        )
    results = []
    for golden in model.file.golden:
        tensor = np.frombuffer(golden.input, model.input.type).reshape(model.input.shape)
        outputs = [output.reshape(-1) for output in model.run(tensor)]
        received = np.concatenate(outputs)
        expected = np.frombuffer(golden.output, received.dtype)
        if expected.shape != received.shape:
            raise UserError(
                f"{received.size} golden output values for {golden.name!r}",
                f"{expected.size}",
                "copy the file again",
            )
        difference = float(np.abs(received.astype(np.float64) - expected).max())
        integers = np.issubdtype(received.dtype, np.integer)
        allowed = 0.0 if integers else OTHER_PROCESSOR_SHARE * float(np.abs(expected).max())
        if model.kernels == "xnnpack":
            allowed += golden.xnnpack_difference + (OTHER_PROCESSOR_UNITS if integers else 0)
        # A NaN is never within anything.
        results.append(GoldenResult(golden.name, difference, allowed, _answered(model, golden, expected)))
    return tuple(results)


def golden_bytes(arrays: Sequence[NDArray[Any]]) -> bytes:
    """Tensors as golden vectors hold them: one behind the other, row-major, little-endian."""
    return b"".join(one.astype(one.dtype.newbyteorder("<")).tobytes() for one in arrays)


def _answered(model: Model, golden: Golden, expected: NDArray[Any]) -> bool:
    """Whether the golden output `expected`, all values of all outputs, is the golden answer when it is read here."""
    if golden.answer_sha256 is None:
        return True
    answer = golden_answer(model.file, expected, model.outputs)
    return answer is None or hashlib.sha256(answer).hexdigest() == golden.answer_sha256


def golden_answer(file: ModelFile, values: NDArray[Any], infos: Sequence[TensorInfo]) -> bytes | None:
    """What the outputs say, as docs/contract.md writes it down; None of a task whose outputs are their own answer.

    Args:
        file: with a contract.
        values: all values of all outputs, one output behind the other.
        infos: of the outputs.
    """
    interface = interface_of(file, None, None, None)
    image, task = interface.for_images()
    ends = np.cumsum([math.prod(info.shape) for info in infos])[:-1]
    parts = [part.reshape(info.shape) for part, info in zip(np.split(values, ends), infos, strict=True)]
    return task.golden_answer(parts, infos, interface, image.input_size)

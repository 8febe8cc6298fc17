"""A flatbuffer in LiteRT, fed with images: under XNNPACK as devices run it, or with the reference kernels."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.preprocessing import Preprocessing
from tformer_edge.process_runner import ProcessRunner
from tformer_edge.quantized_input import input_table, quantize_pixels
from tformer_edge.runner import Kernels


class LiteRT:
    """An interpreter for a model with one input of images, in a process of its own.

    A flatbuffer may be a stranger's, and a fresh one may be such that LiteRT ends its process (an addition whose result
    has no range to speak of): here either is a `UserError`.

    Args:
        flatbuffer: from `export_flatbuffer` or `pack`, or of a model file.
        kernels: "xnnpack", or "reference": plain C++ without a delegate, which defines what is right.
        threads: at least 1.
        keep_tensors: let `tensor` read what is between the operations; with the reference kernels only, because
            XNNPACK hides what is inside a partition.

    Attributes:
        input, outputs: the tensors at its border.
        batch: images at a time.

    Raises:
        UserError: for a flatbuffer that LiteRT refuses or dies of, or arguments that do not go together; `run` as well.
    """

    def __init__(
        self, flatbuffer: bytes, kernels: Kernels = "xnnpack", threads: int = 1, keep_tensors: bool = False
    ) -> None:
        self._runner = ProcessRunner(flatbuffer, kernels, threads, keep_tensors)
        self.input, self.outputs = self._runner.input, self._runner.outputs
        self.batch = self.input.shape[0]
        self._last: tuple[NDArray[Any], list[NDArray[Any]]] | None = None

    def input_of(self, pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[Any]:
        """The input tensor for pixels that are resized and cropped: uint8 (b, h, w, 3) → the input's type."""
        if self.input.type == "float32":
            return preprocessing.normalise(pixels)
        kind: Any = self.input.type
        return quantize_pixels(
            pixels, input_table(preprocessing, self.input.scale, self.input.zero_point, kind)
        )

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """All outputs, as the file gives them, for one input tensor of the file's own batch.

        The same input as the last time is not computed again: of a large model the reference kernels take ten seconds
        for an image, at which proof, errors of layers and golden vectors all look.
        """
        given = np.array(tensor, self.input.type)
        if self._last is None or not np.array_equal(self._last[0], given):
            self._last = given, self._runner.run(given)
        return [output.copy() for output in self._last[1]]

    def run_all(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """The same for any number of images; the last batch is filled up with its last image."""
        results = []
        for start in range(0, len(tensor), self.batch):
            part = tensor[start : start + self.batch]
            full = np.concatenate([part, np.repeat(part[-1:], self.batch - len(part), axis=0)])
            results.append([output[: len(part)] for output in self.run(full)])
        return [np.concatenate(parts) for parts in zip(*results, strict=True)]

    def real(self, outputs: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Real numbers from the outputs' integers; float32 outputs stay."""
        return [
            dequantize(output, info.scale, info.zero_point)
            for output, info in zip(outputs, self.outputs, strict=True)
        ]

    @property
    def step(self) -> float:
        """The largest step of a quantized output; 0 where none is quantized."""
        return max(info.scale for info in self.outputs)

    def forward(self, preprocessing: Preprocessing) -> Callable[[NDArray[Any]], list[NDArray[np.float32]]]:
        """Pixels (b, h, w, 3), resized and cropped → real-valued outputs (b, …), as devices compute them."""
        return lambda pixels: self.real(self.run_all(self.input_of(pixels, preprocessing)))

    def tensor(self, index: int) -> NDArray[Any]:
        """A tensor between operations after `run`, as it is in the file."""
        return self._runner.tensor(index)

    def delegation(self) -> tuple[int, Counter[str]]:
        """(partitions that XNNPACK took, the types of the operations that it left to LiteRT's own kernels)."""
        found = self._runner.delegation()
        return found.partitions, Counter(found.left)

    def latency(self, runs: int = 50, warm_up: int = 5) -> float:
        """The median of `runs` inferences of zeros in milliseconds a batch, measured by the process that computes."""
        zeros = np.zeros(self.input.shape, self.input.type)
        times = []
        self._last = None  # `tensor` would read those of zeros
        for number in range(warm_up + runs):
            self._runner.run(zeros)
            if number >= warm_up:
                times.append(self._runner.seconds)
        return 1000 * statistics.median(times)

    def close(self) -> None:
        """Ends the process; it also ends when Python drops the interpreter."""
        self._runner.close()


def dequantize(values: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.float32]:
    """scale · (values − zero_point) as float32; float values stay, and a scale of 0 means that there is none."""
    if not np.issubdtype(values.dtype, np.integer) or not scale:
        return values.astype(np.float32)
    return (values.astype(np.float32) - zero_point) * np.float32(scale)

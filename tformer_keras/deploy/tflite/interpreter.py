"""A flatbuffer in LiteRT, fed with images: under XNNPACK as devices run it, or with the reference kernels."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from tformer_edge.litert_runner import delegation_of
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.quantized_input import input_table, quantize_pixels
from tformer_edge.quiet import quiet

KERNELS = ("xnnpack", "reference")


class LiteRT:
    """An interpreter for a model with one input of images.

    Args:
        flatbuffer: from `export_flatbuffer` or `pack`.
        kernels: "xnnpack", or "reference": plain C++ without a delegate, which defines what is right.
        threads: at least 1.
        keep_tensors: let `tensor` read what is between the operations; with the reference kernels only, because
            XNNPACK hides what is inside a partition.

    Attributes:
        batch: images at a time.
    """

    def __init__(
        self, flatbuffer: bytes, kernels: str = "xnnpack", threads: int = 1, keep_tensors: bool = False
    ) -> None:
        if kernels not in KERNELS or threads < 1 or (keep_tensors and kernels != "reference"):
            raise ValueError(
                f"Expected kernels among {', '.join(KERNELS)}, at least 1 thread, and tensors kept by reference "
                f"kernels only, received {kernels!r}, {threads} and {keep_tensors}."
            )
        reference = kernels == "reference"
        with quiet():
            self.interpreter = Interpreter(
                model_content=flatbuffer,
                num_threads=threads,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF
                if reference
                else OpResolverType.AUTO,
                experimental_preserve_all_tensors=keep_tensors,
            )
            self.interpreter.allocate_tensors()
        self.inputs = self.interpreter.get_input_details()
        self.outputs = self.interpreter.get_output_details()
        self.batch = int(self.inputs[0]["shape"][0])

    def input_of(self, pixels: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[Any]:
        """The input tensor for pixels that are resized and cropped: uint8 (b, h, w, 3) → the input's type."""
        (detail,) = self.inputs
        if detail["dtype"] == np.float32:
            return preprocessing.normalise(pixels)
        scale, zero_point = detail["quantization"]
        return quantize_pixels(
            pixels, input_table(preprocessing, scale, zero_point, np.dtype(detail["dtype"]).name)
        )

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """All outputs, as the file gives them, for one input tensor of the file's own batch."""
        self.interpreter.set_tensor(self.inputs[0]["index"], tensor)
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(output["index"]) for output in self.outputs]

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
            dequantize(output, *detail["quantization"])
            for output, detail in zip(outputs, self.outputs, strict=True)
        ]

    @property
    def step(self) -> float:
        """The largest step of a quantized output; 0 where none is quantized."""
        return max((float(output["quantization"][0]) for output in self.outputs), default=0.0)

    def forward(self, preprocessing: Preprocessing) -> Callable[[NDArray[Any]], list[NDArray[np.float32]]]:
        """Pixels (b, h, w, 3), resized and cropped → real-valued outputs (b, …), as devices compute them."""
        return lambda pixels: self.real(self.run_all(self.input_of(pixels, preprocessing)))

    def tensor(self, index: int) -> NDArray[Any]:
        """A tensor between operations after `run`, as it is in the file."""
        return self.interpreter.get_tensor(index)

    def delegation(self) -> tuple[int, Counter[str]]:
        """(partitions that XNNPACK took, the types of the operations that it left to LiteRT's own kernels)."""
        found = delegation_of(self.interpreter)
        return found.partitions, Counter(found.left)

    def latency(self, runs: int = 50, warm_up: int = 5) -> float:
        """The median of `runs` inferences, in milliseconds a batch."""
        times = []
        for number in range(warm_up + runs):
            start = time.perf_counter()
            self.interpreter.invoke()
            if number >= warm_up:
                times.append(time.perf_counter() - start)
        return 1000 * statistics.median(times)


def dequantize(values: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.float32]:
    """scale · (values − zero_point) as float32; float values stay, and a scale of 0 means that there is none."""
    if not np.issubdtype(values.dtype, np.integer) or not scale:
        return values.astype(np.float32)
    return (values.astype(np.float32) - zero_point) * np.float32(scale)

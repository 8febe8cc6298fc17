"""What computes a model: one input tensor in, its outputs out, in this process or in another."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.printable import printable

Kernels = Literal["xnnpack", "reference"]
KERNELS: tuple[Kernels, ...] = get_args(Kernels)
MAX_THREADS = 256


@dataclass(frozen=True)
class TensorInfo:
    """An input or output tensor.

    Attributes:
        shape: fixed sizes.
        type: NumPy's name of the type: "int8", "uint8", "float32", …
        scale, zero_point: real = (value - zero_point) * scale; `scale` is the file's float32, 0 without one.
    """

    shape: tuple[int, ...]
    type: str
    scale: float = 0.0
    zero_point: int = 0

    def dequantize(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Real numbers, float64 of the same shape; floating-point values stay (docs/contract.md, "From the output").

        Raises UserError for integers without a scale.
        """
        if np.issubdtype(values.dtype, np.floating):
            return values.astype(np.float64)
        if not self.scale > 0:
            raise UserError(
                f"a scale for the {self.type} tensor", "none in the file", "convert the model again"
            )
        return (values.astype(np.float64) - self.zero_point) * self.scale


@dataclass(frozen=True)
class Delegation:
    """What XNNPACK took of a model.

    Attributes:
        partitions: connected parts that it computes by itself; 1 is best, since each border costs copies.
        left: {operator: how many} that LiteRT's own kernels compute.
    """

    partitions: int
    left: dict[str, int]


class Runner(Protocol):
    """Runs one model of one input, in the process `pid`."""

    pid: int
    input: TensorInfo
    outputs: tuple[TensorInfo, ...]

    seconds: float  # of the latest `run`, measured in the process `pid`

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """All outputs for one input of `input`'s shape and type. Raises UserError where the model cannot run."""
        ...

    def tensor(self, index: int) -> NDArray[Any]:
        """A tensor between the operations after `run`, of a runner that keeps them. Raises UserError for any other."""
        ...

    def forget(self) -> None:
        """See `forked.Forgetful`."""
        ...

    def delegation(self) -> Delegation:
        """What XNNPACK took. Raises UserError where the model cannot say."""
        ...

    def close(self) -> None:
        """Frees what it holds; more calls do nothing."""
        ...


def check_arguments(kernels: str, threads: int, keep_tensors: bool = False) -> None:
    """Raises UserError for kernels and a number of threads that no runner has, and tensors that it cannot keep."""
    if keep_tensors and kernels != "reference":
        raise UserError(
            "reference kernels where tensors are kept", kernels, "XNNPACK hides what is inside a partition"
        )
    if kernels not in KERNELS:
        raise UserError(f"kernels among {', '.join(KERNELS)}", repr(kernels), "give one of them")
    if type(threads) is not int or not 1 <= threads <= MAX_THREADS:
        raise UserError(f"1 to {MAX_THREADS} threads", repr(threads), "the number of cores is a good one")


def check_input(tensor: Any, info: TensorInfo) -> None:
    """Raises UserError for a tensor that is not what the input takes."""
    if not isinstance(tensor, np.ndarray):
        raise UserError(
            f"an input tensor of {info.type} {info.shape}",
            f"a {type(tensor).__name__}",
            "give a NumPy array, or an image to `predict`",
        )
    if tensor.shape != info.shape or tensor.dtype != np.dtype(info.type):
        raise UserError(
            f"an input tensor of {info.type} {info.shape}",
            f"{tensor.dtype} {tensor.shape}",
            "`predict` makes one from an image",
        )


def cannot_run(reason: str) -> UserError:
    """The error of a flatbuffer that LiteRT refuses, or that ends its process. LiteRT quotes names from the file."""
    return UserError(
        "a model that LiteRT can run",
        f"{printable(reason)}",
        "copy the file again, or make it again with converters/to_tflite.py",
    )

"""What a `ProcessRunner`'s child says, each field checked: nothing that a hostile model makes it say is believed."""

import math
from typing import Any

import numpy as np

from tformer_edge.runner import Delegation, TensorInfo, cannot_run

MAX_OUTPUT_BYTES = 256 << 20
MAX_OPERATORS = 1000  # kinds, of which LiteRT knows about 210 and a file may bring its own
TYPES = ("int8", "uint8", "int16", "int32", "int64", "float16", "float32", "float64", "bool")


def seconds_of(answer: dict[str, Any]) -> float:
    """How long the child says that it computed."""
    seconds = answer.get("seconds")
    if not isinstance(seconds, float) or not 0 <= seconds < math.inf:
        raise cannot_run("one whose process gives no sensible answer")
    return seconds


def tensor_of(answer: dict[str, Any]) -> TensorInfo:
    """The tensor in an answer, its size bounded."""
    try:
        info = _tensor(*answer["tensor"])
        size = bytes_of(info)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise cannot_run("one whose process gives no sensible answer") from None
    if size > MAX_OUTPUT_BYTES:
        raise cannot_run(f"a tensor of {size} bytes, where up to {MAX_OUTPUT_BYTES} are allowed")
    return info


def tensors_of(answer: dict[str, Any]) -> tuple[TensorInfo, tuple[TensorInfo, ...]]:
    """The tensors in the child's first answer, each field checked."""
    try:
        infos = [_tensor(*fields) for fields in answer["tensors"]]
        size = sum(map(bytes_of, infos))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise cannot_run("one whose process gives no sensible answer") from None
    if len(infos) < 2 or size > MAX_OUTPUT_BYTES:
        raise cannot_run(f"tensors of {size} bytes, where up to {MAX_OUTPUT_BYTES} are allowed")
    return infos[0], tuple(infos[1:])


def delegation_of_answer(answer: dict[str, Any]) -> Delegation:
    """The child's answer about delegation, each field checked: names are a stranger's."""
    partitions, left = answer.get("partitions"), answer.get("left")
    if type(partitions) is not int or not isinstance(left, dict) or len(left) > MAX_OPERATORS:
        raise cannot_run("one whose process gives no sensible answer")
    if not all(type(count) is int and name.isprintable() for name, count in left.items()):
        raise cannot_run("one whose process names operators that cannot be printed")
    return Delegation(partitions, left)


def _tensor(shape: Any, kind: Any, scale: Any, zero_point: Any) -> TensorInfo:
    if kind not in TYPES or not all(type(side) is int and side >= 0 for side in shape):
        raise ValueError
    return TensorInfo(tuple(shape), kind, float(scale), int(zero_point))


def bytes_of(info: TensorInfo) -> int:
    return np.dtype(info.type).itemsize * math.prod(info.shape)

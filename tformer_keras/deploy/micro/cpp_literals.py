"""Numbers and texts as C++ writes them, each exactly."""

from __future__ import annotations

import string
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE_VALUES = 24
LINE_FLOATS = 6
_PLAIN = (string.ascii_letters + string.digits + " !#$%&'()*+,-./:;<=>@[]^_`{|}~").encode()


def integers(values: Iterable[int] | NDArray[Any]) -> str:
    """The inside of an array's braces, in lines."""
    return _lines([str(int(value)) for value in values], LINE_VALUES)


def doubles(values: Iterable[float] | NDArray[Any]) -> str:
    """The same of doubles."""
    return _lines([double(value) for value in values], LINE_FLOATS)


def floats(values: Iterable[float] | NDArray[Any]) -> str:
    """The same of float32."""
    return _lines([float32(value) for value in values], LINE_FLOATS)


def double(value: float) -> str:
    """A literal of exactly this float64, which is finite."""
    return float(value).hex()


def float32(value: float) -> str:
    """A literal of exactly this float32, which is finite."""
    return float(np.float32(value)).hex() + "f"


def text(value: str) -> str:
    """A string literal of ASCII: other bytes in octal, which ends after three digits whatever follows."""
    return '"' + "".join(chr(byte) if byte in _PLAIN else f"\\{byte:03o}" for byte in value.encode()) + '"'


def _lines(literals: list[str], length: int) -> str:
    lines = [literals[start : start + length] for start in range(0, len(literals), length)]
    return "\n".join("    " + ", ".join(line) + "," for line in lines)

"""The argument and shape checks that the layers share, so that their errors read alike."""

from __future__ import annotations

import numbers
from typing import Any


def is_number(value: Any) -> bool:
    """Whether `value` is a real number (True and False are not)."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether `value` is a whole number, as an int or a float (True and False are not, nor NaN and infinity)."""
    return is_number(value) and value % 1 == 0


def check_positive(name: str, value: Any) -> int:
    """Returns `value` as an int, or raises ValueError if it is not a whole number of at least 1."""
    if not is_whole(value) or value < 1:
        raise ValueError(f"`{name}` expected a whole number of at least 1, received {value!r}.")
    return int(value)


def check_rank(layer: Any, input_shape: tuple[int | None, ...], rank: int = 4) -> None:
    """Raises ValueError unless `input_shape` has `rank` axes and a known number of channels."""
    name = f"{type(layer).__name__} {layer.name!r}"
    if len(input_shape) != rank:
        axes = "(batch, height, width, channels)"
        raise ValueError(
            f"{name} expected an input of rank {rank}, {axes}, received shape {tuple(input_shape)}."
        )
    if input_shape[-1] is None:
        raise ValueError(f"{name} expected a known number of channels, received shape {tuple(input_shape)}.")


def check_divisible(layer: Any, what: str, value: Any, groups: int) -> None:
    """Raises ValueError unless `groups` divides `value`."""
    if value % groups:
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} expected {what} divisible by groups={groups}, received {value}."
        )

"""Tensors that a few numbers describe, so that another language can make them again: noise, and places that differ."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MASK = (1 << 64) - 1


def noise(seed: int, count: int) -> NDArray[np.uint64]:
    """SplitMix64, the numbers 0 to `count` of the sequence that begins with `seed`."""
    steps = np.arange(1, count + 1, dtype=np.uint64)
    state = np.uint64(seed) + steps * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(state ^ (state >> np.uint64(31)))


def tensor(recipe: dict[str, Any], kind: str, count: int) -> NDArray[Any]:
    """`count` values of `kind`, "int8", "uint8" or "float32", flat.

    `recipe`: `seed`, then `low` and `span`: low + noise % span, of floats times 2^-10; then `places`, a list of
    (index, value): integers, or of floats their bits.
    """
    numbers = (noise(recipe["seed"], count) % np.uint64(recipe["span"])).astype(np.int64) + recipe["low"]
    values = (numbers / 1024 if kind == "float32" else numbers).astype(kind)
    bits = values.view(np.uint32) if kind == "float32" else values
    for index, value in recipe["places"]:
        bits[index] = value
    return values

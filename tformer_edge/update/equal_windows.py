"""Where a file holds bytes of another one, whatever their places."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

# What is looked for in the base: this many bytes, from every place of the base that is a multiple of them.
WINDOW: Final = 16


def equal_windows(
    base: NDArray[np.uint8], target: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the target, ascending, at which a window of the base begins, and the first of these in the base."""
    if min(len(base), len(target)) < WINDOW:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    keys, first = np.unique(_keys(base)[::WINDOW], return_index=True)
    asked = _keys(target)
    found = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    places = np.flatnonzero(keys[found] == asked)
    return places, first[found[places]] * WINDOW


def _keys(data: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """A number for the window that begins at each place; equal windows have equal ones."""
    words = np.lib.stride_tricks.sliding_window_view(data, 8)
    numbers = np.ascontiguousarray(words).view("<u8")[:, 0]
    factor = np.uint64(0x9E3779B97F4A7C15)
    mixed = (numbers[:-8] * factor) ^ (numbers[:-8] >> np.uint64(29))
    return np.asarray(mixed + numbers[8:] * np.uint64(0xD6E8FEB86659FD93), np.uint64)

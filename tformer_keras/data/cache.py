"""Decoded images kept in memory, within a budget of bytes."""

import threading

import numpy as np
from numpy.typing import NDArray


class PixelCache:
    """Keeps uint8 images by index, at several sizes, until `budget` bytes are spent; what it has kept, it keeps.

    Safe to use from several threads: two that decode the same image at once store equal pixels, counted once.
    """

    def __init__(self, budget: int) -> None:
        self._images: dict[tuple[int, int], NDArray[np.uint8]] = {}
        self._budget = budget
        self._spent = 0
        self._lock = threading.Lock()
        self.full = False

    def get(self, index: int, parts: int = 1) -> NDArray[np.uint8] | None:
        """The image of `index` at 1 / parts of its size, read-only, or None when it is not kept."""
        return self._images.get((index, parts))

    def put(self, index: int, image: NDArray[np.uint8], parts: int = 1) -> None:
        """Keeps `image` if the budget allows it."""
        with self._lock:
            if (index, parts) in self._images:
                return
            if self._spent + image.nbytes > self._budget:
                self.full = True
                return
            self._spent += image.nbytes
            image.setflags(write=False)
            self._images[index, parts] = image

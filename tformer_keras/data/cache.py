"""Decoded images kept in memory, within a budget of bytes."""

import threading

import numpy as np
from numpy.typing import NDArray


class PixelCache:
    """Keeps uint8 images by index until `budget` bytes are spent; what it has kept, it keeps.

    Safe to use from several threads: two that decode the same image at once store equal pixels, counted once.
    """

    def __init__(self, count: int, budget: int) -> None:
        self._images: list[NDArray[np.uint8] | None] = [None] * count
        self._budget = budget
        self._spent = 0
        self._lock = threading.Lock()
        self.full = False

    def get(self, index: int) -> NDArray[np.uint8] | None:
        """The image of `index`, read-only, or None when it is not kept."""
        return self._images[index]

    def put(self, index: int, image: NDArray[np.uint8]) -> None:
        """Keeps `image` if the budget allows it."""
        with self._lock:
            if self._images[index] is not None:
                return
            if self._spent + image.nbytes > self._budget:
                self.full = True
                return
            self._spent += image.nbytes
            image.setflags(write=False)
            self._images[index] = image

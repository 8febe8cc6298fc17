"""Parts of photographs, as the app and the browser's page are given them."""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def crops(
    photo: Picture, generator: np.random.Generator, count: int, sides: tuple[int, int]
) -> list[Picture]:
    """Parts of a photograph of many sizes and proportions, uint8 (height, width, 3)."""
    result = []
    for _ in range(count):
        # Evenly in the logarithm: as many small crops, which are enlarged, as large ones.
        height, width = np.exp(generator.uniform(*np.log(sides), size=2)).astype(int)
        top = generator.integers(0, photo.shape[0] - height + 1)
        left = generator.integers(0, photo.shape[1] - width + 1)
        result.append(np.ascontiguousarray(photo[top : top + height, left : left + width]))
    return result

"""Setting test images apart where a dataset has none."""

import numpy as np

from tformer_edge.errors import UserError


def divide(count: int, test_fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Indices (training, test) of `count` images, both ascending: a share of `test_fraction`, at least 1, for testing.

    Raises UserError for fewer than two images.
    """
    if count < 2:
        raise UserError("at least 2 images, to set some apart for testing", str(count), "add images")
    tested = min(count - 1, max(1, round(count * test_fraction)))
    order = np.random.default_rng(seed).permutation(count)
    return sorted(order[tested:].tolist()), sorted(order[:tested].tolist())

"""A seeded split that takes the same share of each class."""

import math

import numpy as np
from numpy.typing import NDArray


def stratified_split(
    labels: NDArray[np.int32], test_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Splits the indices of `labels` into (train, test), each ascending.

    The test part has ceil(test_fraction * images) of them, shared among the classes by largest remainder, the
    lower label first on a tie; then every class keeps at least one image on either side. Raises ValueError
    when a class has only one image.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            f"Expected at least 2 images a class, received 1 of class {classes[counts.argmin()]}."
        )
    shares = counts * test_fraction
    takes = np.floor(shares).astype(np.int64)
    left = math.ceil(len(labels) * test_fraction) - int(takes.sum())
    # Rounded, because 0.2 * 180 - 36 must tie with other exact shares; stable, so that the lower label wins.
    remainders = np.round(shares - takes, 9)
    takes[np.argsort(-remainders, kind="stable")[: max(left, 0)]] += 1
    takes = np.clip(takes, 1, counts - 1)
    test = []
    for label, take in zip(classes, takes, strict=True):
        members = np.flatnonzero(labels == label)
        # A generator a class, so that one class's size does not change which images another one gives.
        test.append(np.random.default_rng([seed, int(label)]).permutation(members)[:take])
    chosen = np.sort(np.concatenate(test))
    return np.setdiff1d(np.arange(len(labels)), chosen), chosen

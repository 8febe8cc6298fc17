"""Which differences between rows the seeds' spread decides.

Runs of one seed see the same images in the same order, so a seed shifts all rows alike. What is left of the accuracies
when each row's mean and each seed's shift are taken away is the spread. All rows share one estimate of it, because two
or three runs of a row say too little of its own (a randomised block design). A difference of two rows' means is decided
where it exceeds Student's t, two-sided at 95 %, times its standard error: one pair in twenty of equal rows would be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

HOLDS, CONTRADICTED, UNDECIDED = "holds", "does not hold", "not decided"


@dataclasses.dataclass(frozen=True)
class Spread:
    """Of accuracies in per cent.

    Attributes:
        deviation: of one run, the row's and the seed's shift taken away; None with fewer than two seeds or rows.
        freedom: its degrees of freedom.
        needed: how much two rows' means must differ to be decided; None: nothing is.
    """

    deviation: float | None
    freedom: int
    needed: float | None


def spread_of(accuracies: Mapping[str, Sequence[float]]) -> Spread:
    """The spread of all rows, which have the same seeds.

    Args:
        accuracies: of each row, a number a seed, in per cent.

    Raises:
        ValueError: rows of different numbers of seeds.
    """
    if len({len(values) for values in accuracies.values()}) != 1:
        raise ValueError(f"spread_of() expected rows of the same seeds, received {accuracies}.")
    table = np.array(list(accuracies.values()), np.float64)
    rows, seeds = table.shape
    freedom = (rows - 1) * (seeds - 1)
    if not freedom:
        return Spread(None, 0, None)
    from scipy.stats import t

    left = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
    deviation = float(np.sqrt((left**2).sum() / freedom))
    return Spread(deviation, freedom, float(t.ppf(0.975, freedom)) * deviation * float(np.sqrt(2 / seeds)))


def difference(accuracies: Mapping[str, Sequence[float]], better: str, other: str) -> float:
    """Of two rows' means, in points."""
    return float(np.mean(accuracies[better]) - np.mean(accuracies[other]))


def verdict(accuracies: Mapping[str, Sequence[float]], spread: Spread, better: str, other: str) -> str:
    """Whether `better` is better than `other` here: HOLDS, CONTRADICTED or UNDECIDED."""
    if spread.needed is None:
        return UNDECIDED
    found = difference(accuracies, better, other)
    if abs(found) <= spread.needed:
        return UNDECIDED
    return HOLDS if found > 0 else CONTRADICTED


def orderings(paper: Mapping[str, float], rows: Sequence[str]) -> list[tuple[str, str]]:
    """All pairs (better, other) of a table of the paper among `rows`; equal figures order nothing."""
    names = [name for name in paper if name in rows]
    return [(one, two) for one in names for two in names if paper[one] > paper[two]]

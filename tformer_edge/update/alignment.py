"""Which bytes of a base stand under those of a target, so that few differ: pieces, each moved by its own distance.

Two versions of a model file differ in length where a name, a label or a number in JSON does; what lies between two such
places is moved as a whole, and its weights differ here and there.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tformer_edge.update.equal_windows import equal_windows

# (bytes, from which place of the base on); what lies before or behind the base is zeros.
Piece = tuple[int, int]

# Moves that are weighed: those which the most windows of the base were found at.
_MOVES: Final = 12
# They are weighed in blocks of so many bytes, and the places between them found to the byte afterwards.
_BLOCK: Final = 64
# How many bytes must become equal for another piece to pay: each costs 16 bytes, a byte that differs about two.
_PIECE: Final = 12


def find_pieces(base: NDArray[np.uint8], target: NDArray[np.uint8]) -> list[Piece]:
    """Pieces whose lengths add up to the target's."""
    if not len(target):
        return []
    moves = _moves(base, target)
    blocks = -(-len(target) // _BLOCK)
    equal = np.zeros((blocks, len(moves)), np.int32)
    for number, move in enumerate(moves):
        same = np.zeros(blocks * _BLOCK, bool)
        same[: len(target)] = moved(base, len(target), move) == target
        equal[:, number] = same.reshape(blocks, _BLOCK).sum(axis=1)
    chosen = _cheapest(equal)
    changes = np.flatnonzero(np.diff(chosen)) + 1
    cuts = [0]
    for change in changes.tolist():
        cuts.append(_cut(base, target, moves[chosen[change - 1]], moves[chosen[change]], change, cuts[-1]))
    ends = [*cuts[1:], len(target)]
    used = [moves[chosen[start]] for start in (0, *changes.tolist())]
    return [
        (end - start, start + move) for start, end, move in zip(cuts, ends, used, strict=True) if end > start
    ]


def moved(base: NDArray[np.uint8], length: int, start: int) -> NDArray[np.uint8]:
    """`length` bytes of the base from place `start` on, maybe below 0; zeros where it has none. A fresh array."""
    result = np.zeros(length, np.uint8)
    first, last = max(start, 0), min(start + length, len(base))
    if last > first:
        result[first - start : last - start] = base[first:last]
    return result


def _moves(base: NDArray[np.uint8], target: NDArray[np.uint8]) -> list[int]:
    """By how many bytes a part of the target may lie earlier than in the base, ascending."""
    places, sources = equal_windows(base, target)
    found, counts = np.unique(sources - places, return_counts=True)
    often = found[np.argsort(-counts, kind="stable")[:_MOVES]].tolist()
    return sorted({0, len(base) - len(target), *often})


def _cheapest(equal: NDArray[np.int32]) -> NDArray[np.int64]:
    """For each block one of the moves, so that equal bytes less the price of changes are the most (Viterbi)."""
    blocks, count = equal.shape
    stay = np.arange(count)
    before = np.zeros((blocks, count), np.int64)
    value = np.zeros(count, np.int64)
    for block in range(blocks):
        best = int(value.argmax())
        changed = value < value[best] - _PIECE
        before[block] = np.where(changed, best, stay)
        value = np.maximum(value, value[best] - _PIECE) + equal[block]
    chosen = np.zeros(blocks, np.int64)
    move = int(value.argmax())
    for block in range(blocks - 1, -1, -1):
        chosen[block] = move
        move = int(before[block, move])
    return chosen


def _cut(
    base: NDArray[np.uint8], target: NDArray[np.uint8], one: int, other: int, block: int, least: int
) -> int:
    """The place, within a block of the border before `block`, from which on the second move is the better one."""
    first = max(least, (block - 1) * _BLOCK)
    last = min(len(target), (block + 1) * _BLOCK)
    part = target[first:last]
    before = np.concatenate([[0], np.cumsum(moved(base, len(part), first + one) == part)])
    behind = np.concatenate([np.cumsum((moved(base, len(part), first + other) == part)[::-1])[::-1], [0]])
    return first + int(np.argmax(before + behind))

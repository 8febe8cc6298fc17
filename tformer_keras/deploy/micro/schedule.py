"""The order of a graph's operations in which the tensors that live at one time need the fewest bytes."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

# Sets of executed operations that the search of one stretch of the graph may look at. A hybrid layer has about 130.
MOST_STATES = 20_000


@dataclass(frozen=True)
class Step:
    """An operation: the tensors that it reads and writes, constants left out.

    Attributes:
        inputs, outputs: indices of tensors.
        in_place: inputs whose memory its one output may take over, if nothing reads them later.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    in_place: tuple[int, ...] = ()


@dataclass(frozen=True)
class Problem:
    """A graph whose tensors need memory.

    Attributes:
        steps: in an order that runs.
        sizes: bytes of each tensor that is no constant.
        inputs: tensors that are there before the first step.
        outputs: tensors that stay behind the last.
    """

    steps: tuple[Step, ...]
    sizes: Mapping[int, int]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def peak(problem: Problem, order: Sequence[int]) -> int:
    """The largest number of bytes that live at one time when the steps run in `order`."""
    return max((memory for memory, _ in _walk(problem, order, {*problem.inputs})), default=0)


def best_order(problem: Problem) -> tuple[int, ...]:
    """An order of the smallest peak; among those of the stretch of graph between two single tensors, of least sum.

    Where only one tensor lives the graph is cut, and each stretch is searched by itself: the peak of the whole is that
    of the worst stretch. A stretch of more than MOST_STATES sets keeps its order.
    """
    order: list[int] = []
    for stretch, alive in _stretches(problem):
        order += _search(problem, stretch, alive)
    return tuple(order)


def _readers(problem: Problem) -> dict[int, set[int]]:
    readers: dict[int, set[int]] = {}
    for number, step in enumerate(problem.steps):
        for tensor in step.inputs:
            readers.setdefault(tensor, set()).add(number)
    return readers


def _walk(problem: Problem, order: Sequence[int], alive: set[int]) -> list[tuple[int, frozenset[int]]]:
    """(bytes during a step, what lives behind it) of each step of `order`."""
    readers, done, result = _readers(problem), set[int](), []
    for number in order:
        memory, alive = _run(problem, readers, number, done, alive)
        done.add(number)
        result.append((memory, frozenset(alive)))
    return result


def _run(
    problem: Problem,
    readers: Mapping[int, Collection[int]],
    number: int,
    done: Collection[int],
    alive: set[int],
) -> tuple[int, set[int]]:
    step = problem.steps[number]
    keep = set(problem.outputs)
    dead = {
        tensor
        for tensor in step.inputs
        if tensor not in keep and all(reader == number or reader in done for reader in readers[tensor])
    }
    memory = sum(problem.sizes[tensor] for tensor in alive | set(step.outputs))
    if any(tensor in dead for tensor in step.in_place):
        memory -= problem.sizes[step.outputs[0]]
    unread = {tensor for tensor in step.outputs if tensor not in keep and not readers.get(tensor)}
    return memory, (alive | set(step.outputs)) - dead - unread


def _stretches(problem: Problem) -> list[tuple[list[int], set[int]]]:
    """(steps, what lives before them): cut behind every step that leaves one tensor alive."""
    result: list[tuple[list[int], set[int]]] = []
    current: list[int] = []
    start = before = set(problem.inputs)
    for number, (_, alive) in enumerate(_walk(problem, range(len(problem.steps)), start)):
        current.append(number)
        if len(alive) == 1 or number + 1 == len(problem.steps):
            result.append((current, before))
            current, before = [], set(alive)
    return result


def _search(problem: Problem, stretch: list[int], alive: set[int]) -> list[int]:
    """The order of one stretch: the cheapest way through the sets of executed steps, by (peak, sum)."""
    if len(stretch) < 2:
        return stretch
    readers = _readers(problem)
    inside = set(stretch)
    # Steps before the stretch are done; readers of its tensors stand in it or behind it.
    before = set(range(min(stretch)))
    made_by = {tensor: number for number in stretch for tensor in problem.steps[number].outputs}
    needs = {
        number: {made_by[tensor] for tensor in problem.steps[number].inputs if tensor in made_by}
        for number in stretch
    }
    start: frozenset[int] = frozenset()
    waiting: list[tuple[int, int, tuple[int, ...], frozenset[int], frozenset[int]]] = [
        (0, 0, (), start, frozenset(alive))
    ]
    seen: set[frozenset[int]] = set()
    while waiting:
        highest, total, order, done, living = heapq.heappop(waiting)
        if done in seen:
            continue
        seen.add(done)
        if len(done) == len(stretch):
            return list(order)
        if len(seen) > MOST_STATES:
            break
        for number in sorted(inside - done):
            if needs[number] <= done:
                memory, after = _run(problem, readers, number, before | done, set(living))
                entry = (
                    max(highest, memory),
                    total + memory,
                    (*order, number),
                    done | {number},
                    frozenset(after),
                )
                heapq.heappush(waiting, entry)
    return stretch

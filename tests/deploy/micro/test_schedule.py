"""The order of operations: it runs, its peak is the smallest (by trying all), and no order changes what is alive."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tformer_keras.deploy.micro.schedule import Problem, Step, best_order, peak


@st.composite
def problems(draw, most=6):
    """Small random graphs: each step reads one to three earlier tensors and writes one or two."""
    sizes = {0: 16 * draw(st.integers(1, 9))}
    steps = []
    for _ in range(draw(st.integers(1, most))):
        known = sorted(sizes)
        inputs = tuple(draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True)))
        outputs = tuple(range(len(sizes), len(sizes) + draw(st.integers(1, 2))))
        for tensor in outputs:
            sizes[tensor] = 16 * draw(st.integers(1, 9))
        free = ()
        if len(outputs) == 1 and draw(st.booleans()):
            sizes[outputs[0]] = sizes[inputs[0]]
            free = tuple(one for one in inputs if sizes[one] == sizes[outputs[0]])
        steps.append(Step(inputs, outputs, free))
    read = {tensor for step in steps for tensor in step.inputs}
    # The converter leaves no operation whose result nobody wants.
    outputs = tuple(tensor for tensor in sizes if tensor not in read)
    return Problem(tuple(steps), sizes, (0,), outputs)


def runs(problem, order):
    known = set(problem.inputs)
    for number in order:
        if not set(problem.steps[number].inputs) <= known:
            return False
        known |= set(problem.steps[number].outputs)
    return sorted(order) == list(range(len(problem.steps)))


def peak_by_hand(problem, order):
    """Counted in another way: a tensor lives from the step that makes it to the last one that reads it."""
    last = dict.fromkeys(problem.sizes, -1)
    first = dict.fromkeys(problem.inputs, -1)
    for place, number in enumerate(order):
        for tensor in problem.steps[number].inputs:
            last[tensor] = place
        for tensor in problem.steps[number].outputs:
            first[tensor] = place
            last[tensor] = max(last[tensor], place)
    for tensor in problem.outputs:
        last[tensor] = len(order)
    highest = 0
    for place, number in enumerate(order):
        step = problem.steps[number]
        living = [tensor for tensor in first if first[tensor] <= place <= max(last[tensor], -1)]
        memory = sum(problem.sizes[tensor] for tensor in living)
        if any(last[tensor] == place for tensor in step.in_place):
            memory -= problem.sizes[step.outputs[0]]
        highest = max(highest, memory)
    return highest


@settings(max_examples=150, deadline=None)
@given(problems())
def test_the_order_runs_and_none_is_better(problem):
    order = best_order(problem)
    assert runs(problem, order)
    best = min(
        peak(problem, other)
        for other in itertools.permutations(range(len(problem.steps)))
        if runs(problem, other)
    )
    assert peak(problem, order) == best


@settings(max_examples=150, deadline=None)
@given(problems())
def test_the_peak_is_what_counting_by_lives_gives(problem):
    for order in (range(len(problem.steps)), best_order(problem)):
        assert peak(problem, order) == peak_by_hand(problem, order)


def test_a_branch_is_finished_before_the_next_begins():
    # x → wide → narrow, twice, then their sum: one after the other needs one wide tensor at a time.
    steps = (
        Step((0,), (1,)),
        Step((0,), (2,)),
        Step((1,), (3,)),
        Step((2,), (4,)),
        Step((3, 4), (5,), (3, 4)),
    )
    problem = Problem(steps, {0: 16, 1: 160, 2: 160, 3: 16, 4: 16, 5: 16}, (0,), (5,))
    order = best_order(problem)
    assert order in ((0, 2, 1, 3, 4), (1, 3, 0, 2, 4))
    assert peak(problem, range(5)) == 16 + 160 + 160 and peak(problem, order) == 16 + 160 + 16


def test_a_stretch_too_large_to_search_keeps_its_order(monkeypatch):
    monkeypatch.setattr("tformer_keras.deploy.micro.schedule.MOST_STATES", 3)
    steps = tuple(Step((0,), (number,)) for number in range(1, 9)) + (Step(tuple(range(1, 9)), (9,)),)
    problem = Problem(steps, dict.fromkeys(range(10), 16), (0,), (9,))
    assert best_order(problem) == tuple(range(9))


@pytest.mark.parametrize("count", [0, 1])
def test_graphs_of_no_and_one_step(count):
    problem = Problem((Step((0,), (1,)),)[:count], {0: 16, 1: 32}, (0,), (1,) if count else (0,))
    assert best_order(problem) == tuple(range(count))
    assert peak(problem, range(count)) == 48 * count

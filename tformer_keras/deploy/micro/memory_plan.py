"""Plans a flatbuffer's memory for TFLite Micro: the order of its operations, and the place of every tensor.

TFLite Micro's own planner keeps the order of the file and gives each tensor a place beside all others that live. The
plan orders the operations for the smallest peak, and lets an elementwise operation write over an input that nothing
reads later, which the planner never does. It is kept as the metadata "OfflineMemoryAllocation", as TFLite Micro's
memory_management.md defines it; other interpreters ignore it, and outputs do not change.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tformer_edge.errors import UserError
from tformer_edge.graph import FileGraph, FileTensor, read_graph
from tformer_keras.deploy.micro.schedule import Problem, Step, best_order, peak
from tformer_keras.deploy.tflite.sharing_builder import SharingBuilder

METADATA = b"OfflineMemoryAllocation"
# MicroArenaBufferAlignment of TFLite Micro.
ALIGNMENT = 16
# They compute each element of the output from the element at its place of an input of the same shape, in TFLite
# Micro's own kernels and in CMSIS-NN's.
IN_PLACE = ("ADD", "SUB", "MUL", "LOGISTIC", "TANH", "RELU", "RELU6", "HARD_SWISH")
WIDTHS = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "float16": 2, "float32": 4, "int32": 4}
# Tries of other orders of placement, where the first does not reach the least that any plan needs.
TRIES = 200


@dataclass(frozen=True)
class Planned:
    """A flatbuffer with a plan.

    Attributes:
        flatbuffer: the operations in another order, and the metadata.
        bytes: what the planned tensors need, alignment included.
        least: the most bytes that live at one time, below which no placement of this order can be.
    """

    flatbuffer: bytes
    bytes: int
    least: int


def plan_memory(flatbuffer: bytes) -> Planned:
    """Orders the operations of a packed flatbuffer and places its tensors.

    Tensors keep their indices. Raises UserError for a model of several graphs or with variable tensors, whose memory
    outlives an inference.
    """
    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    if len(model.subgraphs) != 1 or any(tensor.isVariable for tensor in model.subgraphs[0].tensors):
        raise UserError(
            "a model of one graph without state to plan its memory",
            f"{len(model.subgraphs)} graphs",
            "convert it with --target litert",
        )
    graph = model.subgraphs[0]
    problem = _problem(read_graph(flatbuffer))
    order = best_order(problem)
    graph.operators = [graph.operators[number] for number in order]
    problem = Problem(
        tuple(problem.steps[number] for number in order), problem.sizes, problem.inputs, problem.outputs
    )
    places = place(problem)
    offsets = np.full(3 + len(graph.tensors), -1, np.int32)
    offsets[:3] = 1, 1, len(graph.tensors)  # format version, subgraphs, offsets
    for tensor, offset in places.items():
        offsets[3 + tensor] = offset
    _add_metadata(model, offsets)
    builder = SharingBuilder()
    builder.Finish(model.Pack(builder), b"TFL3")
    total = max((places[tensor] + problem.sizes[tensor] for tensor in places), default=0)
    return Planned(bytes(builder.Output()), total, peak(problem, range(len(problem.steps))))


def place(problem: Problem) -> dict[int, int]:
    """The byte offset of every tensor, for the steps in the order of the problem.

    Tensors that live at one time do not overlap, unless one step writes one over the other (`Step.in_place`).
    """
    groups = _share(problem)
    lives = lives_of(problem)
    spans = {
        group: (min(lives[one][0] for one in members), max(lives[one][1] for one in members))
        for group, members in groups.items()
    }
    sizes = {group: max(problem.sizes[one] for one in members) for group, members in groups.items()}
    least = peak(problem, range(len(problem.steps)))
    generator = random.Random(0)
    order = sorted(groups, key=lambda group: (-sizes[group], spans[group]))
    best = _fit(order, sizes, spans)
    for attempt in range(TRIES):
        if _total(best, sizes) <= least:
            break
        if attempt == 0:
            order = sorted(groups, key=lambda group: -sizes[group] * (spans[group][1] - spans[group][0] + 1))
        else:
            # By chance, but the large ones still go early.
            order = sorted(groups, key=lambda group: -sizes[group] * generator.uniform(0.4, 1.0))
        found = _fit(order, sizes, spans)
        if _total(found, sizes) < _total(best, sizes):
            best = found
    return {one: best[group] for group, members in groups.items() for one in members}


def planned_places(flatbuffer: bytes) -> tuple[Problem, dict[int, int]]:
    """A model of one graph as a problem, and where its plan puts each tensor; empty for one without a plan."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    problem = _problem(read_graph(flatbuffer))
    for entry in model.metadata or ():
        if entry.name == METADATA:
            offsets = np.frombuffer(model.buffers[entry.buffer].data.tobytes(), np.int32)[3:]
            return problem, {tensor: int(offsets[tensor]) for tensor in lives_of(problem)}
    return problem, {}


def _problem(file: FileGraph) -> Problem:
    computed = {tensor.index: _bytes(tensor) for tensor in file.tensors if not tensor.constant_bytes}
    steps = []
    for operation in file.operations:
        inputs = {one.index: one for one in operation.inputs if one.index in computed}
        outputs = operation.outputs
        free: tuple[int, ...] = ()
        if operation.type in IN_PLACE and len(outputs) == 1:
            result = (outputs[0].shape, outputs[0].type)
            free = tuple(index for index, one in inputs.items() if (one.shape, one.type) == result)
        steps.append(Step(tuple(inputs), tuple(one.index for one in outputs), free))
    border = [tuple(one.index for one in tensors) for tensors in (file.inputs, file.outputs)]
    used = {index for step in steps for index in (*step.inputs, *step.outputs)}.union(*border)
    return Problem(tuple(steps), {index: computed[index] for index in sorted(used)}, *border)


def _bytes(tensor: FileTensor) -> int:
    size = WIDTHS.get(tensor.type, 8) * math.prod(tensor.shape)
    return -(-size // ALIGNMENT) * ALIGNMENT


def lives_of(problem: Problem) -> dict[int, tuple[int, int]]:
    """(first, last) step of each tensor; inputs live from -1 on, outputs to one behind the last."""
    first = dict.fromkeys(problem.inputs, -1)
    last: dict[int, int] = dict(first)
    for number, step in enumerate(problem.steps):
        for tensor in step.outputs:
            first[tensor] = last[tensor] = number
        for tensor in step.inputs:
            last[tensor] = number
    for tensor in problem.outputs:
        last[tensor] = len(problem.steps)
    return {tensor: (first[tensor], last[tensor]) for tensor in first}


def _share(problem: Problem) -> dict[int, list[int]]:
    """Tensors by the first of those that are one piece of memory: what a step may write in place, it does."""
    lives = lives_of(problem)
    group = {tensor: tensor for tensor in lives}
    for number, step in enumerate(problem.steps):
        for tensor in step.in_place:
            if lives[tensor][1] == number and tensor not in problem.outputs:
                group[step.outputs[0]] = group[tensor]
                break
    groups: dict[int, list[int]] = {}
    for tensor, first in group.items():
        groups.setdefault(first, []).append(tensor)
    return groups


def _fit(
    order: Sequence[int], sizes: Mapping[int, int], spans: Mapping[int, tuple[int, int]]
) -> dict[int, int]:
    """Each piece at the lowest offset where no placed one lives at the same time."""
    places: dict[int, int] = {}
    for group in order:
        first, last = spans[group]
        taken = sorted(
            (places[other], places[other] + sizes[other])
            for other in places
            if spans[other][0] <= last and first <= spans[other][1]
        )
        offset = 0
        for start, end in taken:
            if start - offset >= sizes[group]:
                break
            offset = max(offset, end)
        places[group] = offset
    return places


def _total(places: Mapping[int, int], sizes: Mapping[int, int]) -> int:
    return max((places[group] + sizes[group] for group in places), default=0)


def _add_metadata(model: Any, offsets: np.ndarray) -> None:
    data = offsets.view(np.uint8)
    for entry in model.metadata or ():
        if entry.name == METADATA:  # of an earlier plan
            model.buffers[entry.buffer].data = data
            return
    entry = schema.MetadataT()
    entry.name, entry.buffer = METADATA, len(model.buffers)
    model.buffers.append(schema.BufferT(data=data))
    model.metadata = [*(model.metadata or ()), entry]

"""A picture of the arena: which tensor lies where, from operation to operation."""

from __future__ import annotations

import io

import numpy as np

from tformer_edge.graph import FileGraph
from tformer_keras.deploy.micro.memory_plan import lives_of, planned_places
from tformer_keras.deploy.micro.micro_run import MicroRun

# More names than this on an axis cannot be read.
NAMED_OPERATIONS = 60


def draw_memory(flatbuffer: bytes, graph: FileGraph, run: MicroRun, title: str) -> bytes:
    """PNG. A file without a plan has no places: there the sizes of what lives are stacked instead."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    problem, places = planned_places(flatbuffer)
    steps = len(problem.steps)
    figure = Figure(figsize=(max(8.0, min(20.0, 0.14 * steps + 2)), 6), layout="constrained")
    axes = figure.subplots()
    if places:
        for tensor, (first, last) in lives_of(problem).items():
            width = min(last, steps - 1) - first + 1
            piece = Rectangle((first - 0.5, places[tensor] / 1000), width, problem.sizes[tensor] / 1000)
            piece.set(facecolor=f"C{tensor % 10}", edgecolor="white", linewidth=0.5)
            axes.add_patch(piece)
    else:
        alive = np.zeros(steps)
        for tensor, (first, last) in lives_of(problem).items():
            alive[max(first, 0) : last + 1] += problem.sizes[tensor]
        axes.bar(np.arange(steps), alive / 1000, width=1.0)
    axes.axhspan(run.head / 1000, run.arena / 1000, color="0.85")
    axes.text(0, (run.head + run.tail / 2) / 1000, f"structures: {run.tail:,} bytes", va="center")
    axes.set(
        xlim=(-1.5, steps - 0.5),
        ylim=(0, 1.02 * run.arena / 1000),
        ylabel="arena [kB]",
        title=f"{title}: {run.arena:,} bytes, {run.head:,} of them activations",
    )
    step = -(-steps // NAMED_OPERATIONS)
    names = [operation.type for operation in graph.operations]
    axes.set_xticks(range(0, steps, step), names[::step], rotation=90, fontsize=6)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()

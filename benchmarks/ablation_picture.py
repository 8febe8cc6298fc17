"""The picture of the ablations: each row's runs, and for each pair of a table whether the paper's ordering holds."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.ablation_rows import NOT_IN_THE_PAPER, TABLES
from benchmarks.ablation_statistics import CONTRADICTED, HOLDS, UNDECIDED, Spread, difference, verdict

# Blue and orange are told apart in every form of colour blindness; grey says nothing.
COLOURS = {HOLDS: "#1f5fa8", CONTRADICTED: "#d9730d", UNDECIDED: "#dddddd"}
INK = {HOLDS: "white", CONTRADICTED: "white", UNDECIDED: "#444444"}


def draw(found: Mapping[str, Sequence[float]], spread: Spread) -> bytes:
    """PNG. Above: top-1 of each run and the rows' means. Below: a triangle a table, our difference in each cell."""
    from matplotlib.figure import Figure

    tables = {title: [name for name in paper if name in found] for title, paper in TABLES.items()}
    tables = {title: names for title, names in tables.items() if names}
    others = [row.name for row in NOT_IN_THE_PAPER if row.name in found]
    figure: Any = Figure(figsize=(11, 9.5), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(0.8, 1))
    groups = [*tables.values(), *([others] if others else [])]
    widths = [max(len(names), 5) for names in groups]  # room for a title
    titles = [f"the paper's {title}" for title in tables] + (["not in the paper"] if others else [])
    axes = upper.subplots(1, len(groups), squeeze=False, sharey=True, width_ratios=widths)[0]
    for axis, names, title in zip(axes, groups, titles, strict=True):
        _runs(axis, names, found, title)
    axes[0].set_ylabel("top-1, %")
    if tables:
        axes = lower.subplots(1, len(tables), squeeze=False, width_ratios=widths[: len(tables)])[0]
        for axis, (title, names) in zip(axes, tables.items(), strict=True):
            _pairs(axis, names, TABLES[title], found, spread)
    handles = [_patch(colour, kind) for kind, colour in COLOURS.items()]
    lower.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80)
    Image.open(drawn).convert("RGB").quantize(32).save(small, "png", optimize=True)
    return small.getvalue()


def _patch(colour: str, label: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(
        color=colour, label=f"the paper's ordering {label}".replace("ordering not", "ordering is not")
    )


def _runs(axis: Any, names: Sequence[str], found: Mapping[str, Sequence[float]], title: str) -> None:
    for place, name in enumerate(names):
        values = found[name]
        axis.plot([place] * len(values), values, "o", color="#6b6b6b", ms=4, mfc="none")
        axis.plot([place - 0.3, place + 0.3], [np.mean(values)] * 2, color=COLOURS[HOLDS], lw=2)
    axis.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
    axis.set_xlim(-0.6, len(names) - 0.4)
    axis.set_title(title, loc="left", fontsize=10)
    axis.grid(axis="y", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)


def _pairs(
    axis: Any,
    names: Sequence[str],
    paper: Mapping[str, float],
    found: Mapping[str, Sequence[float]],
    spread: Spread,
) -> None:
    order = sorted(names, key=lambda name: paper[name])
    for y, better in enumerate(order):
        for x, other in enumerate(order[:y]):
            if paper[better] == paper[other]:
                axis.text(x, y, "=", ha="center", va="center", fontsize=7, color="#888888")
                continue
            kind = verdict(found, spread, better, other)
            axis.add_patch(_square(x, y, COLOURS[kind]))
            text = f"{difference(found, better, other):+.1f}"
            axis.text(x, y, text, ha="center", va="center", fontsize=7, color=INK[kind])
    axis.set_xticks(range(len(order) - 1), order[:-1], rotation=40, ha="right", fontsize=8)
    axis.set_yticks(range(1, len(order)), order[1:], fontsize=8)
    axis.set_xlim(-0.5, max(len(order) - 1.5, 0.5))
    axis.set_ylim(max(len(order) - 0.5, 1), 0.5)
    axis.set_title("row better than column in the paper: our difference, points", loc="left", fontsize=9)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)


def _square(x: float, y: float, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, color=colour)

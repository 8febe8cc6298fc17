"""The picture of a comparison: a bar for each model, TFormer's own marked, spread and ratio beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.comparison import Row

# Blue for TFormer, grey for what it is measured against: readable in every form of colour blindness.
OURS, OTHERS = "#1f5fa8", "#6b6b6b"
STRENGTH = {"fp16": 0.55, "float": 0.35}  # of the other kinds' colours; int8's is full


def draw(path: Path, rows: Sequence[Row], made: Mapping[str, str]) -> None:
    """Writes a PNG: one panel a platform and number of threads, bars sorted, the lower the better."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        panels.setdefault((row.platform, row.threads, row.unit), []).append(row)
    longest = max(map(len, panels.values()), default=1)
    figure, axes = pyplot.subplots(
        1, len(panels), squeeze=False, figsize=(8.5 * len(panels), 1.8 + 0.32 * longest), layout="constrained"
    )
    for axis, ((platform, threads, unit), members) in zip(axes[0], panels.items(), strict=True):
        _panel(axis, sorted(members, key=lambda row: -row.median), f"{platform}, {threads} thread(s)", unit)
    note = " · ".join(textwrap.shorten(made[name], 160) for name in ("machine", "versions", "commit", "date"))
    figure.supxlabel("\n".join(textwrap.wrap(note, 110 * len(panels))), fontsize=7, color="#555555")
    figure.savefig(path, dpi=120, format="png")
    pyplot.close(figure)


def _panel(axis: Any, rows: Sequence[Row], title: str, unit: str) -> None:
    colours = [
        (OURS if row.model.startswith("tformer") else OTHERS, STRENGTH.get(row.kind, 1.0)) for row in rows
    ]
    medians = [row.median for row in rows]
    spread = [[row.median - row.p10 for row in rows], [row.p90 - row.median for row in rows]]
    axis.barh(range(len(rows)), medians, color=colours, xerr=spread, ecolor="#222222", error_kw={"lw": 0.8})
    axis.set_yticks(range(len(rows)), [f"{row.label}, {row.kind}" for row in rows], fontsize=8)
    for index, row in enumerate(rows):
        ratio = "" if row.ratio is None else f"  {row.ratio:.2f}×"
        axis.text(max(row.p90, row.median), index, f"  {row.median:.1f}{ratio}", va="center", fontsize=7)
    axis.set_xlim(0, 1.22 * max((row.p90 for row in rows), default=1))
    axis.set_xlabel(f"{unit} an inference (× TFormer-S int8); bars are medians, lines p10 to p90")
    axis.set_title(title, loc="left")
    axis.spines[["top", "right"]].set_visible(False)

"""What `parity.compare` found, as a table for people and as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import rich.box
import rich.console
import rich.table

from tformer_keras.deploy.compare.parity import FORMS

NAMED_LAYERS = 60  # more names than these cannot be read in a picture


def show(report: Mapping[str, Any], console: rich.console.Console) -> None:
    """Prints a report of `compare`, with "model" and "weights"."""
    accuracies = {form["form"]: form["top1"] for form in report["forms"]}
    console.print(
        f"{report['model']}; {report['weights']}; {report['images']:,} images; reference and XNNPACK are LiteRT's "
        "kernels",
        markup=False,
        highlight=False,
    )
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for column in ("form", "top-1", "beside", "largest", "LSB", "cosine", "same"):
        table.add_column(column, justify="left" if column in ("form", "beside") else "right", no_wrap=True)
    table.add_row(FORMS[0], f"{100 * accuracies[FORMS[0]]:.2f} %")
    for pair in report["pairs"]:
        lsb = "" if pair["largest_lsb"] is None else f"{pair['largest_lsb']:.0f}/{pair['mean_lsb']:.2f}"
        table.add_row(
            pair["second"],
            f"{100 * accuracies[pair['second']]:.2f} %",
            pair["first"],
            f"{pair['largest']:.1e}",
            lsb,
            f"{pair['cosine']:.5f}",
            f"{100 * pair['agreement']:.2f} %",
        )
    console.print(table)
    console.print(
        "largest: difference of a score, as a share of the scores' range; LSB: largest and mean; same: share of top-1",
        highlight=False,
    )
    for row in sorted(report["layers"], key=lambda row: row["quantized"]["cosine"])[:3]:
        console.print(
            f"{row['name']} ({row['operation']}): cosine {row['quantized']['cosine']:.5f} to QAT, "
            f"{row['float']['cosine']:.5f} to float",
            markup=False,
            highlight=False,
        )
    part = report["first_part"]
    least = report["tolerance"]["layer_cosine"]
    console.print(
        f"every layer's cosine to QAT is {least} or more"
        if part is None
        else f"they part at {part}, the first layer whose cosine is below {least}",
        markup=False,
        highlight=False,
    )
    for failure in report["failures"] or ["within the tolerance"]:
        console.print(failure, markup=False, highlight=False)


def draw(report: Mapping[str, Any]) -> bytes:
    """A picture (PNG): each layer's error against the float and the quantization-aware model, and the accuracies."""
    from matplotlib.figure import Figure

    layers = report["layers"]
    figure = Figure(figsize=(max(10.0, min(24.0, 4 + 0.14 * len(layers))), 6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(4, 1))
    places = np.arange(len(layers))
    for name, label in (("float", "float"), ("quantized", "QAT")):
        left.semilogy(
            places, [max(row[name]["relative_error"], 1e-6) for row in layers], ".-", label=f"against {label}"
        )
    if report["first_part"] is not None:
        place = [row["name"] for row in layers].index(report["first_part"])
        left.axvline(place, color="tab:red", linestyle="--", label=f"they part: {report['first_part']}")
    step = -(-len(layers) // NAMED_LAYERS)
    left.set_xticks(places[::step], [row["name"] for row in layers[::step]], rotation=90, fontsize=6)
    left.set(
        ylabel="error [share of the layer's RMS]",
        title=f"{report['model']}: LiteRT's reference kernels, {report['layer_images']} images",
    )
    left.legend()
    names = [form["form"] for form in report["forms"]]
    bars = right.barh(names, [100 * form["top1"] for form in report["forms"]])
    right.bar_label(bars, fmt="%.2f", label_type="center", color="white")
    right.invert_yaxis()
    right.set(xlabel="top-1 [%]", title=f"{report['images']:,} images")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()

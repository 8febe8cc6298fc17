"""What `parity.compare` found, as a table for people and as a picture."""

from __future__ import annotations

import io

import numpy as np
import rich.box
import rich.console
import rich.table

from tformer_keras.deploy.compare.parity import FORMS, ParityReport
from tformer_keras.tasks.plot_text import plot_text

NAMED_LAYERS = 60  # more names than these cannot be read in a picture


def show(report: ParityReport, model: str, weights: str, console: rich.console.Console) -> None:
    """Prints a report of the model called `model` with such `weights`."""
    headlines = {name: evaluation.headline for name, evaluation in report.forms.items()}
    console.print(
        f"{model}; {weights}; {report.images:,} images; reference and XNNPACK are LiteRT's kernels",
        markup=False,
        highlight=False,
    )
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for column in ("form", headlines[FORMS[0]].name, "beside", "largest", "LSB", "cosine", "same"):
        table.add_column(column, justify="left" if column in ("form", "beside") else "right", no_wrap=True)
    table.add_row(FORMS[0], headlines[FORMS[0]].shown)
    for pair in report.pairs:
        table.add_row(
            pair.second,
            headlines[pair.second].shown,
            pair.first,
            f"{pair.largest:.1e}",
            "" if pair.largest_lsb is None else f"{pair.largest_lsb:.0f}/{pair.mean_lsb:.2f}",
            f"{pair.cosine:.5f}",
            f"{100 * pair.agreement:.2f} %",
        )
    console.print(table)
    console.print(
        "largest: difference of an output, as a share of its range; LSB: largest and mean; same: share of answers",
        highlight=False,
    )
    for layer in sorted(report.layers, key=lambda layer: layer.against_quantized.cosine)[:3]:
        console.print(
            f"{layer.name} ({layer.against_float.operation}): cosine {layer.against_quantized.cosine:.5f} to QAT, "
            f"{layer.against_float.cosine:.5f} to float",
            markup=False,
            highlight=False,
        )
    part = report.first_part
    least = report.tolerance.layer_cosine
    console.print(
        f"every layer's cosine to QAT is {least} or more"
        if part is None
        else f"they part at {part}, the first layer whose cosine is below {least}",
        markup=False,
        highlight=False,
    )
    for failure in report.failures or ["within the tolerance"]:
        console.print(failure, markup=False, highlight=False)


def draw(report: ParityReport, model: str) -> bytes:
    """A picture (PNG): each layer's error against the float and the quantization-aware model, and the headlines."""
    from matplotlib.figure import Figure

    layers, names = report.layers, [plot_text(layer.name) for layer in report.layers]
    figure = Figure(figsize=(max(10.0, min(24.0, 4 + 0.14 * len(layers))), 6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(4, 1))
    places = np.arange(len(layers))
    for errors, label in (
        ([layer.against_float for layer in layers], "float"),
        ([layer.against_quantized for layer in layers], "QAT"),
    ):
        left.semilogy(
            places, [max(error.relative_error, 1e-6) for error in errors], ".-", label=f"against {label}"
        )
    if report.first_part is not None:
        place = [layer.name for layer in layers].index(report.first_part)
        left.axvline(place, color="tab:red", linestyle="--", label=f"they part: {names[place]}")
    step = -(-len(layers) // NAMED_LAYERS)
    left.set_xticks(places[::step], names[::step], rotation=90, fontsize=6)
    left.set(
        ylabel="error [share of the layer's RMS]",
        title=plot_text(f"{model}: LiteRT's reference kernels, {report.layer_images} images"),
    )
    left.legend()
    headlines = {name: evaluation.headline for name, evaluation in report.forms.items()}
    headline = next(iter(headlines.values()))
    scale = 100 if headline.unit == "%" else 1
    bars = right.barh(list(headlines), [scale * figure.value for figure in headlines.values()])
    right.bar_label(bars, fmt="%.2f", label_type="center", color="white")
    right.invert_yaxis()
    right.set(xlabel=f"{headline.name} [{headline.unit}]", title=f"{report.images:,} images")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()

"""The report of a conversion as a table for people, and as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
import rich.console
import rich.table

from tformer_keras.deploy.compare.conversion_report import LATENCY_RUNS, ConversionReport
from tformer_keras.deploy.compare.file_proof import Proof
from tformer_keras.deploy.npu.vela import NpuEstimate
from tformer_keras.tasks.plot_text import plot_text

IO = {"pixels": "raw pixels in, 0 to 255", "pixels-int8": "raw pixels - 128 in, int8"}
NAMED_LAYERS = 60  # more names than these cannot be read in a picture


def show(report: ConversionReport, title: str, console: rich.console.Console) -> None:
    """Prints a report."""
    table = rich.table.Table(title=title, show_header=False, title_justify="left")
    table.add_column("what")
    table.add_column("value", overflow="fold")
    for what, value in _rows(report):
        table.add_row(what, value)
    console.print(table, markup=False)


def _proof(proof: Proof) -> str:
    files = ", ".join(f"{kernels} {error:.2g}" for kernels, error in proof.files.items())
    return (
        f"on {proof.images} images: device graph within {proof.lowering:.1g} of the model's range; file beside its "
        f"graph, of the outputs' deviation: {files}"
        + ("" if proof.border is None else f"; border beside none {proof.border:.2g}")
    )


def _border(costs: Mapping[str, float]) -> str:
    return ", ".join(f"{what} {cost:.4f} ms" for what, cost in costs.items()) + "; each alone, one thread"


def _npu(npu: NpuEstimate) -> str:
    left = (
        f"left to the CPU: {', '.join(npu.cpu_operations)}" if npu.cpu_operations else "none left to the CPU"
    )
    return (
        f"{npu.npu_operations} operations, {left}; {npu.milliseconds:.2f} ms, {npu.sram_bytes / 1000:.1f} kB of SRAM, "
        f"{npu.flash_bytes / 1000:.1f} kB of flash: estimates of {npu.compiler} ({npu.system})"
    )


def _rows(report: ConversionReport) -> list[tuple[str, str]]:
    proof = report.proof
    measured, contract = report.measured, report.total_bytes - report.flatbuffer_bytes
    left = ", ".join(f"{count} {kind}" for kind, count in measured.left.items())
    batch = "an image" if report.batch == 1 else f"a batch of {report.batch}"
    golden = ", ".join(f"{name}, XNNPACK within {difference:g}" for name, difference in report.golden)
    rows = [
        ("model", f"{report.model}; {report.weights}"),
        (
            "kind",
            f"{report.kind}, {IO.get(report.io, f'inputs and outputs {report.io}')}, batch {report.batch}",
        ),
        ("graph", f"target {report.target}; rewrites {', '.join(report.rewrites) or 'none'}"),
        ("bytes", f"{report.total_bytes:,}: flatbuffer {report.flatbuffer_bytes:,}, contract {contract:,}"),
        ("parameters", "not counted" if report.parameters is None else f"{report.parameters:,}"),
        (
            "MACs an image",
            f"{measured.file_macs:,} in the file"
            + ("" if report.macs is None else f", {report.macs:,} in the model"),
        ),
        ("operations", ", ".join(f"{count} {kind}" for kind, count in measured.operations.items())),
        (
            "XNNPACK",
            f"{measured.partitions} partition"
            + ("s" if measured.partitions != 1 else "")
            + (f"; left to LiteRT's own kernels: {left}" if left else "; nothing left"),
        ),
        (
            "int8",
            f"{100 * measured.int8_operations:.1f} % of operations, {100 * measured.int8_macs:.1f} % of MACs",
        ),
        (
            "latency",
            f"{measured.milliseconds:.3f} ms {batch}, median of {LATENCY_RUNS}, {measured.threads} thread"
            + ("s" if measured.threads != 1 else ""),
        ),
        *([("border", _border(measured.border))] if measured.border else []),
        ("golden vectors", golden or "none: one would be larger than a contract may hold"),
        ("proof", "not wanted: nothing says that the file is right" if proof is None else _proof(proof)),
    ]
    rows += [("opens in", ", ".join(name for name, reason in report.opens_in.items() if reason is None))]
    rows += [(f"not in {name}", reason) for name, reason in report.opens_in.items() if reason is not None]
    if report.npu is not None:
        rows.append((report.npu.accelerator, _npu(report.npu)))
    if report.accuracy is not None:
        evaluation = report.accuracy.evaluation
        figures = ", ".join(map(str, evaluation.figures.values()))
        rows.append(("accuracy", f"{figures}, {evaluation.images:,} images of {report.accuracy.data}"))
        if evaluation.certainty is not None:
            rows.append(("not sure", evaluation.certainty.line()))
    if report.layers:
        worst = sorted(report.layers, key=lambda layer: -layer.relative_error)[:3]
        names = ", ".join(f"{layer.name} {100 * layer.relative_error:.1f} %" for layer in worst)
        rows.append((f"largest errors ({report.layer_images})", names))
    rows += [("note", note) for note in report.notes]
    return rows


def draw(report: ConversionReport, title: str) -> bytes:
    """A picture (PNG): each layer's error against the float model, and the size of its weights."""
    from matplotlib.figure import Figure

    layers = report.layers
    places = np.arange(len(layers))
    figure = Figure(figsize=(max(8.0, min(24.0, 2 + 0.16 * len(layers))), 8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.bar(places, [100 * layer.relative_error for layer in layers], color="tab:red")
    above.set(
        ylabel="error [% of the layer's RMS]", title=plot_text(f"{report.model}, {report.kind}: {title}")
    )
    below.bar(places, [layer.bytes / 1000 for layer in layers], color="tab:blue")
    below.set(ylabel="weights [kB]", xlabel=f"layers in order; error on {report.layer_images}")
    # One name in so many that they can be read.
    step = -(-len(layers) // NAMED_LAYERS)
    below.set_xticks(
        places[::step], [plot_text(layer.name) for layer in layers[::step]], rotation=90, fontsize=6
    )
    for axes in (above, below):
        axes.grid(axis="y", alpha=0.3)
        axes.margins(x=0.01)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()

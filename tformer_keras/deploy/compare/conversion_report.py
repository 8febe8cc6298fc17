"""The report of a conversion: figures as plain data, as tables for people, and as a picture."""

from __future__ import annotations

import dataclasses
import io
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import rich.console
import rich.table
from numpy.typing import NDArray

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.deploy.compare.layer_errors import layer_errors, match_layers, tensors_of
from tformer_keras.deploy.conversion import Conversion
from tformer_keras.deploy.graph.emit import emit
from tformer_keras.deploy.int8.quantized_model import QuantizedModel
from tformer_keras.deploy.tflite.interpreter import LiteRT
from tformer_keras.deploy.tflite.tflite_file import TfliteFile

LATENCY_RUNS = 50
LAYER_IMAGES = 8  # reference kernels are slow
NAMED_LAYERS = 60  # more names than these cannot be read in a picture
LEAST_PROBABILITY = 1 / 512  # half a step of int8 probabilities: what a 0 among them may have been


def measure(conversion: Conversion, threads: int = 1) -> dict[str, Any]:
    """What can be said of a conversion without images: operations, delegate, int8 coverage, latency."""
    file = conversion.file
    interpreter = LiteRT(conversion.flatbuffer, threads=threads)
    partitions, left = interpreter.delegation()
    return {
        "kind": conversion.kind,
        "io": conversion.io,
        "batch": conversion.batch,
        "target": conversion.source.target,
        "rewrites": list(conversion.source.rewrites),
        "notes": list(conversion.source.notes),
        "operations": dict(Counter(operation.type for operation in file.operations).most_common()),
        "file_macs": file.macs // conversion.batch,
        "delegate": {"name": "XNNPACK", "partitions": partitions, "left": dict(left.most_common())},
        "int8": int8_shares(file),
        "latency": {
            "milliseconds": round(interpreter.latency(LATENCY_RUNS), 4),
            "runs": LATENCY_RUNS,
            "threads": threads,
        },
    }


def int8_shares(file: TfliteFile) -> dict[str, float]:
    """The shares, 0 to 1, of operations and of multiply-accumulates that are computed in int8."""
    whole = [operation for operation in file.operations if operation.is_int8]
    return {
        "operations": len(whole) / max(1, len(file.operations)),
        "macs": sum(operation.macs for operation in whole) / max(1, file.macs),
    }


def measure_layers(
    conversion: Conversion, pixels: NDArray[np.uint8], preprocessing: Preprocessing
) -> list[dict[str, Any]]:
    """The error of each layer against the float model of the same weights; see `layer_errors.LayerError`."""
    source = conversion.source
    graph = source.graph() if isinstance(source, QuantizedModel) else source.graph
    emitted = emit(graph, "float_reference", "one_partition" not in source.rewrites)
    layers = match_layers(conversion.file, conversion.names, graph)
    model = tensors_of(emitted, list(layers))
    # A batch of the file at the least.
    whole = np.resize(pixels, (max(len(pixels), conversion.batch), *pixels.shape[1:]))
    (errors,) = layer_errors(conversion.flatbuffer, layers, [(model, False)], whole, preprocessing)
    return [dataclasses.asdict(error) for error in errors]


def scores_in_litert(
    flatbuffer: bytes, preprocessing: Preprocessing, meaning: str, threads: int = 1
) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """Pixels (b, h, w, 3) → logits (b, classes) or logarithms of probabilities, as devices compute them."""
    interpreter = LiteRT(flatbuffer, threads=threads)

    def scores(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        outputs = interpreter.real(interpreter.run_all(interpreter.input_of(pixels, preprocessing)))
        return outputs if meaning == "logits" else np.log(np.maximum(outputs, LEAST_PROBABILITY))

    return scores


def show(report: Mapping[str, Any], console: rich.console.Console) -> None:
    """Prints a report, whose keys are those of `measure` with "model", "weights", "out", "bytes", and more."""
    table = rich.table.Table(title=f"{report['out']}", show_header=False, title_justify="left")
    table.add_column("what")
    table.add_column("value", overflow="fold")
    for what, value in _rows(report):
        table.add_row(what, value)
    console.print(table, markup=False)


def _rows(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    sizes, delegate, latency, int8 = (report[key] for key in ("bytes", "delegate", "latency", "int8"))
    left = ", ".join(f"{count} {kind}" for kind, count in delegate["left"].items())
    batch = "an image" if report["batch"] == 1 else f"a batch of {report['batch']}"
    golden = ", ".join(
        f"{one['name']}, XNNPACK within {one['xnnpack_difference']:g}" for one in report["golden"]
    )
    rows = [
        ("model", f"{report['model']}; {report['weights']}"),
        ("kind", f"{report['kind']}, inputs and outputs {report['io']}, batch {report['batch']}"),
        ("graph", f"target {report['target']}; rewrites {', '.join(report['rewrites']) or 'none'}"),
        (
            "bytes",
            f"{sizes['total']:,}: flatbuffer {sizes['flatbuffer']:,}, contract {sizes['contract']:,}",
        ),
        ("parameters", "not counted" if report["parameters"] is None else f"{report['parameters']:,}"),
        (
            "MACs an image",
            f"{report['file_macs']:,} in the file"
            + ("" if report["macs"] is None else f", {report['macs']:,} in the model"),
        ),
        ("operations", ", ".join(f"{count} {kind}" for kind, count in report["operations"].items())),
        (
            "XNNPACK",
            f"{delegate['partitions']} partition"
            + ("s" if delegate["partitions"] != 1 else "")
            + (f"; left to LiteRT's own kernels: {left}" if left else "; nothing left"),
        ),
        ("int8", f"{100 * int8['operations']:.1f} % of operations, {100 * int8['macs']:.1f} % of MACs"),
        (
            "latency",
            f"{latency['milliseconds']:.3f} ms {batch}, median of {latency['runs']}, {latency['threads']} thread"
            + ("s" if latency["threads"] != 1 else ""),
        ),
        ("golden vectors", golden or "none: one would be larger than a contract may hold"),
    ]
    if report.get("accuracy"):
        accuracy = report["accuracy"]
        rows.append(
            (
                "accuracy",
                f"top-1 {100 * accuracy['top1']:.2f} %, top-5 {100 * accuracy['top5']:.2f} %, {accuracy['images']:,} "
                f"images of {accuracy['data']}",
            )
        )
    if report.get("layers"):
        worst = sorted(report["layers"], key=lambda layer: -layer["relative_error"])[:3]
        names = ", ".join(f"{layer['name']} {100 * layer['relative_error']:.1f} %" for layer in worst)
        rows.append((f"largest errors ({report['layer_images']})", names))
    rows += [("note", note) for note in report["notes"]]
    return rows


def draw(report: Mapping[str, Any]) -> bytes:
    """A picture (PNG): each layer's error against the float model, and the size of its weights."""
    from matplotlib.figure import Figure

    layers = report["layers"]
    places = np.arange(len(layers))
    figure = Figure(figsize=(max(8.0, min(24.0, 2 + 0.16 * len(layers))), 8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.bar(places, [100 * layer["relative_error"] for layer in layers], color="tab:red")
    above.set(
        ylabel="error [% of the layer's RMS]", title=f"{report['model']}, {report['kind']}: {report['out']}"
    )
    below.bar(places, [layer["bytes"] / 1000 for layer in layers], color="tab:blue")
    below.set(ylabel="weights [kB]", xlabel=f"layers in order; error on {report['layer_images']}")
    # One name in so many that they can be read.
    step = -(-len(layers) // NAMED_LAYERS)
    below.set_xticks(places[::step], [layer["name"] for layer in layers[::step]], rotation=90, fontsize=6)
    for axes in (above, below):
        axes.grid(axis="y", alpha=0.3)
        axes.margins(x=0.01)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()

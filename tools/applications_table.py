"""Writes docs/applications.md: what becomes of each model of keras.applications. `python -m tools.applications_table`

Each is measured in a process of its own, and what was measured is kept in a folder: a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

import keras

from benchmarks.applications import SMALLEST, build, pixels_of, preprocessing_of
from tformer_edge.errors import UserError
from tformer_edge.files import write_whole
from tformer_keras.deploy.compare.file_proof import prove
from tformer_keras.deploy.conversion import convert
from tformer_keras.deploy.graph.lower import lower
from tformer_keras.deploy.graph.lowering_proof import prove_lowering
from tformer_keras.deploy.int8.quantized_model import quantize_aware
from tformer_keras.deploy.tflite.interpreter import LiteRT

DOCUMENT = Path(__file__).parents[1] / "docs" / "applications.md"
RESULTS = Path(__file__).parents[1] / "build" / "applications"
# The others are lowered alone, at a size that costs little; the Inceptions take none below 75.
SMALL = 96
PROOF = 3
UNMEASURED = "not measured yet"


def members() -> list[str]:
    """All models of keras.applications, each family's smallest first."""
    names = [name for name in dir(keras.applications) if name[0].isupper()]
    return [name for name in SMALLEST if name in names] + [name for name in names if name not in SMALLEST]


def measure(name: str) -> dict[str, Any]:
    """What stands in a member's row; a refusal is a result as well."""
    size = SMALLEST.get(name, SMALL)
    preprocessing = preprocessing_of(name, size)
    pixels = pixels_of(size)
    images = preprocessing.normalise(pixels)
    model = build(name, size)
    found: dict[str, Any] = {"name": name, "size": size, "parameters": model.count_params(), "remarks": []}
    try:
        if name not in SMALLEST:
            found["lowered"] = prove_lowering(model, lower(model), images[:PROOF])
            return found
        quantized = quantize_aware(model)
        quantized.calibrate([images])
        gc.collect()
        conversion = convert(quantized)
        found["bytes"] = len(conversion.flatbuffer)
        partitions, left = LiteRT(conversion.flatbuffer).delegation()
        found |= {"partitions": partitions, "left": dict(left)}
        proof = prove(conversion, pixels[:PROOF], preprocessing, kernels=("xnnpack",))
        found |= {"lowered": proof.lowering, "int8": proof.files["xnnpack"]}
        found["remarks"] = sorted({note for note in quantized.notes if "does not fold" in note})
    except UserError as error:
        found["remarks"].append(str(error))
    return found


HEAD = """# keras.applications

Made by `python -m tools.applications_table`, which builds each model with random weights and BatchNorm statistics that
fit them (nothing is downloaded), without its softmax. Each family's smallest is converted to int8 at the size of
images that it is made for, by calibration alone, and its file compared with its graph in LiteRT; the others are
lowered for {small}×{small} pixels, with small residual branches, as training leaves them: under random ones the
last bit of the input moves the outputs of the deepest by percents, and nothing can be proven. "Lowered" is the largest
difference between Keras and the device graph in float32, as a share of the outputs' range, batch 1 and 3 (at most 1e-4
passes); "int8" the root mean square of the difference between the graph with fake quantization and the file, as a share
of the outputs' deviation, with XNNPACK; random
weights carry a rounding further than trained ones. "XNNPACK" says into how many partitions the model falls, and which
operations run on LiteRT's own kernels between them.

| model | input | parameters | lowered | int8 | XNNPACK | bytes | remarks |
|---|---|---|---|---|---|---|---|
"""


def row(found: dict[str, Any]) -> str:
    """A member's line."""
    lowered = f"{found['lowered']:.1e}" if "lowered" in found else "no"
    int8 = f"{100 * found['int8']:.0f} %" if "int8" in found else "no" if found["name"] in SMALLEST else ""
    delegated = ""
    if "partitions" in found:
        left = ", ".join(f"{count} {kind}" for kind, count in sorted(found["left"].items()))
        delegated = f"{found['partitions']}; left: {left}" if left else str(found["partitions"])
    size = f"{found['bytes']:,}" if "bytes" in found else ""
    cells = [found["name"], f"{found['size']}", f"{found['parameters']:,}", lowered, int8, delegated, size]
    return f"| {' | '.join(cells)} | {' '.join(found['remarks'])} |"


def unmeasured_row(name: str) -> str:
    """The line of a member that nothing is known of yet: the document claims nothing for it."""
    return f"| {name} | {SMALLEST.get(name, SMALL)} |  |  |  |  |  | {UNMEASURED} |"


def document(rows: list[str]) -> str:
    """The whole document."""
    return HEAD.format(small=SMALL) + "\n".join(rows) + "\n"


def measure_into(name: str, path: Path) -> None:
    """Measures a member and keeps its row as JSON."""
    write_whole(path, json.dumps(measure(name), indent=1).encode())


def main() -> int:
    """Measures what is not yet measured, and writes the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=members(), help="measure these alone, again")
    parser.add_argument("--write", action="store_true", help="measure nothing: write what is known")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where measured members are kept")
    args = parser.parse_args()
    args.results.mkdir(parents=True, exist_ok=True)
    # Forked before TensorFlow computes anything: a model that ends its process ends no other, imports are paid once.
    processes = multiprocessing.get_context("fork")
    for name in [] if args.write else args.only or members():
        path = args.results / f"{name}.json"
        if path.exists() and not args.only:
            continue
        child = processes.Process(target=measure_into, args=(name, path))
        begin = time.monotonic()
        child.start()
        child.join()
        spent = f"({time.monotonic() - begin:.0f} s)"
        if child.exitcode:
            print(f"{name}: ended with code {child.exitcode} {spent}", file=sys.stderr, flush=True)
        else:
            print(row(json.loads(path.read_text())), spent, file=sys.stderr, flush=True)
    rows = []
    for name in members():
        path = args.results / f"{name}.json"
        rows.append(row(json.loads(path.read_text())) if path.exists() else unmeasured_row(name))
    write_whole(DOCUMENT, document(rows).encode())
    missing = sum(UNMEASURED in one for one in rows)
    if missing:
        print(f"{missing} members are not measured yet: run it again.", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

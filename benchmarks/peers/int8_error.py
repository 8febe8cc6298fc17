"""How far a model's int8 file is from its float32 file, and into how many parts XNNPACK cuts each, of random weights.

The error is that of the outputs on noise that the calibration did not see, over the outputs' own deviation. It says
which architecture's operations lose what in eight bits, not what a trained model loses.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.litert import Model
from benchmarks.peers.model_arguments import label_of
from benchmarks.peers.model_cache import model_file
from benchmarks.peers.paper_tables import PAPER_PEERS
from benchmarks.peers.random_weights import calibration_images
from tformer_edge.command_line import guarded

EPILOG = """examples:
  python -m benchmarks.peers.int8_error
  python -m benchmarks.peers.int8_error classifier_deit_s classifier_pvt_tiny --json
"""
SEED = 2  # the calibration has 1
DEFAULT = ("tformer_s", "resnet18", "resmlp_s12", "swin_mixer_t_d24", "deit_s", "pvt_tiny")


@dataclasses.dataclass(frozen=True)
class Error:
    """A model's row: the relative error, and the parts that XNNPACK takes of the int8 and the float32 file."""

    model: str
    label: str
    error: float
    int8_parts: int
    float_parts: int


def answers(model: Model, images: Sequence[np.ndarray]) -> np.ndarray:
    """The first output for each image `(1, height, width, 3)`, as float32 `(images, …)`."""
    (inputs,), output = model.interpreter.get_input_details(), model.interpreter.get_output_details()[0]
    found = []
    for image in images:
        scale, zero = inputs["quantization"]
        if scale:
            limits = np.iinfo(inputs["dtype"])
            image = np.clip(np.round(image / scale) + zero, limits.min, limits.max).astype(inputs["dtype"])
        model.interpreter.set_tensor(inputs["index"], image)
        model.run()
        values = model.interpreter.get_tensor(output["index"]).astype("float32")
        scale, zero = output["quantization"]
        found.append((values - zero) * scale if scale else values)
    return np.concatenate(found)


def compared(name: str, int8: Path, float32: Path) -> Error:
    """The row of two files of one model."""
    quantized, exact = Model(int8, 1), Model(float32, 1)
    shape = tuple(exact.interpreter.get_input_details()[0]["shape"][1:])
    images = list(calibration_images(shape, SEED))
    expected = answers(exact, images)
    difference = answers(quantized, images) - expected
    error = float(np.sqrt(np.mean(difference**2)) / np.std(expected))
    return Error(name, label_of(name), error, quantized.partitions, exact.partitions)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.int8_error",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    default = [f"classifier_{name}" for name in DEFAULT]
    parser.add_argument(
        "models", nargs="*", default=default, metavar="MODEL", help=f"of: {', '.join(PAPER_PEERS)}"
    )
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    args = parser.parse_args(arguments)
    return guarded(parser.prog, lambda: run(args))


def run(args: argparse.Namespace) -> int:
    """Compares and prints."""
    rows = [compared(name, model_file(name, "int8"), model_file(name, "float")) for name in args.models]
    if args.json:
        print(json.dumps({"rows": [dataclasses.asdict(row) for row in rows]}, indent=2, ensure_ascii=False))
        return 0
    print(f"{'model':20} {'error':>8} {'int8 parts':>11} {'float32 parts':>14}")
    for row in rows:
        print(f"{row.label:20} {row.error:8.1%} {row.int8_parts:11} {row.float_parts:14}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

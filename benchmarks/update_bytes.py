"""What an update of a model file costs by way: its int8 weights moved as trainings move them, and the deltas to it.

    tformer convert tformer_s --ptq --calibration random --out tformer_s.tflite
    python benchmarks/update_bytes.py tformer_s.tflite

Weights are moved by chance, one or two steps of 127 where few are chosen, by a rounded normal distribution where all
are; golden answers are the new file's own, and its name is another one. What a training wins with so many bytes is
`tformer update`'s to say. docs/updates.md has the table.
"""

import argparse
import importlib.util
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.fleet_models import renewed
from tformer_edge.command_line import guarded
from tformer_edge.contract import ModelFile, load_bytes, read_model_file
from tformer_edge.errors import UserError
from tformer_edge.update.delta import apply_delta, make_delta

SHARES = (0.01, 0.05, 0.1)
DEVIATIONS = (0.25, 0.5, 1.0)


def weights_of(flatbuffer: NDArray[np.uint8]) -> list[NDArray[np.int8]]:
    """The int8 kernels of convolutions and dense layers, in the order of operations: views that write into it."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(flatbuffer, 0)
    graph = model.Subgraphs(0)
    kinds = {schema.BuiltinOperator.CONV_2D, schema.BuiltinOperator.FULLY_CONNECTED}
    found: dict[int, NDArray[np.int8]] = {}
    for index in range(graph.OperatorsLength()):
        operation = graph.Operators(index)
        if model.OperatorCodes(operation.OpcodeIndex()).BuiltinCode() not in kinds:
            continue
        kernel = graph.Tensors(operation.Inputs(1))
        buffer = model.Buffers(kernel.Buffer())
        if kernel.Type() == schema.TensorType.INT8 and buffer.DataLength():
            found[kernel.Buffer()] = buffer.DataAsNumpy().view(np.int8)
    return list(found.values())


def updates_of(file: ModelFile, seed: int) -> dict[str, tuple[bytes, int]]:
    """{name: (the updated file, weights that moved)}."""
    if file.contract is None:
        raise UserError(
            "a model file with a contract", "one without", "convert it with converters/to_tflite.py"
        )
    random = np.random.default_rng(seed)
    found = {}
    for name, share, deviation in (
        ("the classifier", 0.0, 2.0),
        *((f"{100 * share:g} % of the weights", share, 0.0) for share in SHARES),
        *((f"all weights, deviation {deviation:g} steps", 0.0, deviation) for deviation in DEVIATIONS),
    ):
        flatbuffer = np.frombuffer(file.flatbuffer, np.uint8).copy()
        weights = weights_of(flatbuffer)
        if name == "the classifier":
            weights = weights[-1:]
        moved = 0
        for one in weights:
            if share:
                step = random.choice((-2, -1, 1, 2), len(one)) * (random.random(len(one)) < share)
            else:
                step = np.rint(random.normal(0, deviation, len(one))).astype(np.int64)
            new = np.clip(one + step, -127, 127).astype(np.int8)
            moved += int(np.count_nonzero(new != one))
            one[:] = new
        found[name] = renewed(file, flatbuffer.tobytes(), f"{file.contract.name}, updated"), moved
    return found


def measured(data: bytes, seed: int) -> dict[str, Any]:
    """Bytes by way."""
    import hdiffpatch

    file = read_model_file(data)
    rows = []
    for name, (new, moved) in updates_of(file, seed).items():
        delta = make_delta(data, new)
        assert apply_delta(data, delta, len(new)) == new
        other = hdiffpatch.diff(data, new, compression=hdiffpatch.COMPRESSION_LZMA2)
        rows.append({"what": name, "moved": moved, "bytes": len(delta), "hdiffpatch": len(other)})
    weights = sum(len(one) for one in weights_of(np.frombuffer(file.flatbuffer, np.uint8).copy()))
    return {"file": len(data), "xz": len(lzma.compress(data)), "weights": weights, "updates": rows}


def table(found: dict[str, Any]) -> str:
    """Text for people, as Markdown."""
    lines = ["| what | weights that moved | bytes | of the file | hdiffpatch |", "|---|---|---|---|---|"]
    for what, size in (("the whole file", found["file"]), ("… as xz packs it", found["xz"])):
        lines.append(f"| {what} | | {size:,} | {100 * size / found['file']:.1f} % | |")
    for row in found["updates"]:
        share = f"{100 * row['bytes'] / found['file']:.1f} %"
        lines.append(
            f"| {row['what']} | {row['moved']:,} | {row['bytes']:,} | {share} | {row['hdiffpatch']:,} |"
        )
    return "\n".join(lines)


def run(arguments: argparse.Namespace) -> int:
    if importlib.util.find_spec("hdiffpatch") is None:
        raise UserError("hdiffpatch", "none", "pip install hdiffpatch")
    found = measured(load_bytes(Path(arguments.model)), arguments.seed)
    print(json.dumps(found) if arguments.json else table(found))
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a converted int8 classifier")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return guarded("update_bytes", lambda: run(parser.parse_args(argv)))


if __name__ == "__main__":
    sys.exit(main())

"""The C++ sources that run a model file in TensorFlow Lite Micro; the templates are in `templates/`."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.contract import Contract, ModelFile
from tformer_edge.errors import UserError
from tformer_edge.graph import FileGraph
from tformer_edge.quantized_input import QuantizedType, input_table
from tformer_keras.deploy.micro.micro_operations import resolver_methods
from tformer_keras.deploy.micro.micro_run import MicroRun

TEMPLATES = Path(__file__).with_name("templates")
ARENA_ALIGNMENT = 16
# For the scratch memory that other kernels than TFLite Micro's own ask for, and the arena's own alignment.
ARENA_MARGIN = 2048
LINE_VALUES = 24


@dataclass(frozen=True)
class Firmware:
    """Sources and their sizes.

    Attributes:
        files: contents by file name.
        flash_bytes: of the flatbuffer.
        table_bytes: of the contract's tables, 64-bit pointers counted as 32-bit ones.
        arena_bytes: what the sources reserve.
    """

    files: dict[str, bytes]
    flash_bytes: int
    table_bytes: int
    arena_bytes: int


def write_firmware(
    file: ModelFile, graph: FileGraph, run: MicroRun, source_name: str, margin: int = ARENA_MARGIN
) -> Firmware:
    """The sources for a model file that was run in TFLite Micro.

    Args:
        file: with a contract of batch 1, and integers at its border.
        graph: what is in its flatbuffer.
        run: gives the size of the arena.
        source_name: where the file was, for the README.
        margin: bytes to reserve beyond what was measured.

    Raises:
        UserError: for a file without a contract or golden vectors, of another task than classification, of another
            batch, or of float32 at its border.
    """
    contract = _checked(file)
    arena = -(-(run.arena + margin) // ARENA_ALIGNMENT) * ARENA_ALIGNMENT
    values = _values(file, contract, graph, run, arena, margin)
    table_bytes = 3 * 256 + sum(len(label.encode()) + 1 + 4 for label in file.labels)
    values |= {
        "source_file": source_name,
        "flatbuffer_text": f"{len(file.flatbuffer):,}",
        "table_text": f"{table_bytes:,}",
        "arena_text": f"{arena:,}",
        "arena_measured_text": f"{run.arena:,}",
        "arena_margin_text": f"{margin:,}",
    }
    files = {}
    for template in sorted(TEMPLATES.iterdir()):
        text = string.Template(template.read_text(encoding="utf-8"))
        files[template.name] = text.substitute(values).encode()
    return Firmware(files, len(file.flatbuffer), table_bytes, arena)


def _checked(file: ModelFile) -> Contract:
    contract = file.contract
    if contract is None:
        raise UserError(
            "a model file with a contract, which says what goes in and comes out",
            "one without",
            "convert the model with converters/to_tflite.py",
        )
    if contract.task != "classification":
        raise UserError(
            "a model for classification", f"one for {contract.task}", "firmware for it is yours to write"
        )
    if "float32" in (contract.input_type, contract.output_type) or contract.batch != 1:
        raise UserError(
            "integers in and out and one image at a time",
            f"{contract.input_type}, {contract.output_type} and {contract.batch}",
            "convert the model with --io int8 --batch 1",
        )
    if not file.golden:
        raise UserError(
            "golden vectors in the model file", "none", "convert the model again with converters/to_tflite.py"
        )
    return contract


def _values(
    file: ModelFile, contract: Contract, graph: FileGraph, run: MicroRun, arena: int, margin: int
) -> dict[str, Any]:
    (given,), (scores,) = graph.inputs, graph.outputs
    image = contract.image
    height, width = image.input_size
    kind: QuantizedType = "int8" if contract.input_type == "int8" else "uint8"
    table = input_table(image, given.scales[0], given.zero_points[0], kind)
    methods = resolver_methods(graph)
    return {
        "name": contract.name,
        "flatbuffer_sha256": contract.flatbuffer_sha256,
        "flatbuffer_bytes": len(file.flatbuffer),
        "flatbuffer": _numbers(file.flatbuffer),
        "input_type": contract.input_type,
        "input_c_type": f"{contract.input_type}_t",
        "input_height": height,
        "input_width": width,
        "input_channels": image.channels,
        "channels": "R, G, B" if image.channels == 3 else "grey",
        "grey": "" if image.channels == 3 else " grey is (19595 R + 38470 G + 7471 B + 32768) >> 16,",
        "input_values": height * width * image.channels,
        "input_scale": _float(given.scales[0]),
        "input_zero_point": given.zero_points[0],
        "input_table": "\n".join(f"    {{\n{_numbers(row)}\n    }}," for row in table),
        "resize": image.resize,
        "crop_fraction": image.crop_fraction,
        "mean": ", ".join(map(str, image.mean)),
        "std": ", ".join(map(str, image.std)),
        "output_type": contract.output_type,
        "output_c_type": f"{contract.output_type}_t",
        "output_scale": _float(scores.scales[0]),
        "output_zero_point": scores.zero_points[0],
        "meaning": contract.output_meaning,
        "label_count": contract.label_count,
        "labels": "\n".join(f"    {_text(label)}," for label in file.labels),
        "arena_head": run.head,
        "arena_tail": run.tail,
        "arena_measured": run.arena,
        "arena_margin": margin,
        "arena_bytes": arena,
        "operation_count": len(methods),
        "operation_list": ", ".join(method.removeprefix("Add") for method in methods),
        "add_operations": "\n".join(f"  TF_LITE_ENSURE_STATUS(resolver.{method}());" for method in methods),
        "golden_count": len(file.golden),
        "golden_arrays": "\n\n".join(
            f"const InputType kInput{number}[kInputValues] = {{\n{_numbers(np.frombuffer(one.input, kind))}\n}};\n"
            f"const OutputType kOutput{number}[kLabelCount] = {{\n"
            f"{_numbers(np.frombuffer(one.output, contract.output_type))}\n}};"
            for number, one in enumerate(file.golden)
        ),
        "golden_entries": "\n".join(
            f"    {{{_text(one.name)}, kInput{number}, kOutput{number}}},"
            for number, one in enumerate(file.golden)
        ),
    }


def _numbers(values: Iterable[int] | NDArray[Any]) -> str:
    numbers = [str(int(value)) for value in values]
    lines = [numbers[start : start + LINE_VALUES] for start in range(0, len(numbers), LINE_VALUES)]
    return "\n".join("    " + ", ".join(line) + "," for line in lines)


def _float(value: float) -> str:
    """A literal of exactly this float32."""
    return float(np.float32(value)).hex() + "f"


def _text(text: str) -> str:
    """A C++ string literal of ASCII: other bytes in octal, which ends after three digits whatever follows."""
    plain = (string.ascii_letters + string.digits + " !#$%&'()*+,-./:;<=>@[]^_`{|}~").encode()
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()) + '"'

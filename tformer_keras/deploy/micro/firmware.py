"""The C++ sources that run a model file in TensorFlow Lite Micro; the templates are in `templates/`."""

from __future__ import annotations

import dataclasses
import hashlib
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tformer_edge.contract import Contract, ModelFile
from tformer_edge.errors import UserError
from tformer_edge.golden_check import golden_answer
from tformer_edge.graph import FileGraph, FileTensor
from tformer_edge.interface import interface_of
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.quantized_input import QuantizedType, input_table, takes_pixels
from tformer_edge.runner import TensorInfo
from tformer_keras.deploy.micro.answer_sources import ADVICE, AnswerSources
from tformer_keras.deploy.micro.cpp_literals import float32, integers, text
from tformer_keras.deploy.micro.detector_sources import detector_sources, golden_boxes
from tformer_keras.deploy.micro.micro_operations import resolver_methods
from tformer_keras.deploy.micro.micro_run import MicroRun
from tformer_keras.deploy.micro.segmenter_sources import golden_classes, segmenter_sources

TEMPLATES = Path(__file__).with_name("templates")
SHARED = "shared"
SOURCES = ("main.cc", "model_data.cc", "model_contract.cc", "golden_vectors.cc")
ARENA_ALIGNMENT = 16
# For the scratch memory that other kernels than TFLite Micro's own ask for, and the arena's own alignment.
ARENA_MARGIN = 2048
# The templates' folders of each task, beside the shared one.
FOLDERS = {
    "classification": ("classification",),
    "detection": ("maps", "detection"),
    "segmentation": ("maps", "segmentation"),
}


@dataclass(frozen=True)
class Firmware:
    """Sources and their sizes.

    Attributes:
        files: contents by file name.
        flash_bytes: of the flatbuffer.
        table_bytes: of the contract's and the decoder's tables, 64-bit pointers counted as 32-bit ones.
        arena_bytes: what the sources reserve.
        decoder_bytes, decoder_memory: static memory of what finds boxes or classes, and what it holds, for people; 0
            and "" of a classifier.
    """

    files: dict[str, bytes]
    flash_bytes: int
    table_bytes: int
    arena_bytes: int
    decoder_bytes: int = 0
    decoder_memory: str = ""


def file_names(file: ModelFile) -> list[str]:
    """The names of the files that `write_firmware` writes. Raises UserError as it does, for a file's contract."""
    return sorted(one.name for one in _templates(_checked(file).task))


def check_tensors(file: ModelFile, graph: FileGraph) -> None:
    """Raises UserError where a graph, of one input, has other tensors than the file's contract says."""
    outputs = tuple(_info(tensor) for tensor in graph.outputs)
    interface_of(file, None, None, None).check_tensors(_info(graph.inputs[0]), outputs)


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
        UserError: for a file without a contract or golden vectors, of another batch, of float32 at its border, of
            other tensors than its contract says, or whose golden answers are not what its golden outputs say.
    """
    contract = _checked(file)
    arena = -(-(run.arena + margin) // ARENA_ALIGNMENT) * ARENA_ALIGNMENT
    check_tensors(file, graph)
    answer = _answer_sources(file, contract, [_info(tensor) for tensor in graph.outputs])
    values = _values(file, contract, graph, run, arena, margin, answer.golden_length) | dict(answer.values)
    input_table_bytes = 256 * contract.image.channels if values["input_table"] else 0
    table_bytes = (
        input_table_bytes + sum(len(label.encode()) + 1 + 4 for label in file.labels) + answer.table_bytes
    )
    values |= {
        "source_file": source_name,
        "flatbuffer_text": f"{len(file.flatbuffer):,}",
        "table_text": f"{table_bytes:,}",
        "arena_text": f"{arena:,}",
        "arena_measured_text": f"{run.arena:,}",
        "arena_margin_text": f"{margin:,}",
        "sources": " ".join((*SOURCES, *answer.sources)),
        "decoder_row": answer.readme_row,
        "decoder": answer.readme_text,
    }
    files = {}
    for template in _templates(contract.task):
        source = string.Template(template.read_text(encoding="utf-8"))
        files[template.name] = source.substitute(values).encode()
    return Firmware(
        dict(sorted(files.items())),
        len(file.flatbuffer),
        table_bytes,
        arena,
        answer.memory_bytes,
        answer.memory,
    )


def _templates(task: str) -> list[Path]:
    return [one for folder in (SHARED, *FOLDERS[task]) for one in (TEMPLATES / folder).iterdir()]


def _info(tensor: FileTensor) -> TensorInfo:
    scale, zero_point = (tensor.scales[0], tensor.zero_points[0]) if len(tensor.scales) == 1 else (0.0, 0)
    return TensorInfo(tensor.shape, tensor.type, scale, zero_point)


def _answer_sources(file: ModelFile, contract: Contract, infos: Sequence[TensorInfo]) -> AnswerSources:
    """The decoder of the task with its golden answers; a classifier needs none."""
    size = contract.image.input_size
    if contract.task == "classification":
        return AnswerSources()
    answers = _golden_answers(file, infos)
    if contract.task == "segmentation":
        made, golden = segmenter_sources(contract.outputs[0], infos[0], size), golden_classes(answers)
    else:
        assert contract.detection is not None  # a contract of detection has it
        made = detector_sources(contract.outputs, infos, contract.detection)
        golden = golden_boxes(answers)
    return dataclasses.replace(made, values={**made.values, **golden})


def _golden_answers(file: ModelFile, infos: Sequence[TensorInfo]) -> list[bytes]:
    answers = []
    for one in file.golden:
        answer = golden_answer(file, np.frombuffer(one.output, infos[0].type), infos)
        if answer is None or hashlib.sha256(answer).hexdigest() != one.answer_sha256:
            raise UserError(
                f"the golden answer of {one.name!r} to be what its golden output says", "another one", ADVICE
            )
        answers.append(answer)
    return answers


def _checked(file: ModelFile) -> Contract:
    contract = file.contract
    if contract is None:
        raise UserError(
            "a model file with a contract, which says what goes in and comes out",
            "one without",
            "convert the model with converters/to_tflite.py",
        )
    if contract.format == 1 and contract.task != "classification":
        raise UserError(
            f"a contract that says what the outputs of a model for {contract.task} are",
            "one of format 1",
            ADVICE,
        )
    if "float32" in (contract.input_type, contract.output_type) or contract.batch != 1:
        raise UserError(
            "integers in and out and one image at a time",
            f"{contract.input_type}, {contract.output_type} and {contract.batch}",
            "convert the model with --io int8 --batch 1",
        )
    if not file.golden:
        raise UserError("golden vectors in the model file", "none", ADVICE)
    return contract


def _values(
    file: ModelFile,
    contract: Contract,
    graph: FileGraph,
    run: MicroRun,
    arena: int,
    margin: int,
    golden_length: str,
) -> dict[str, Any]:
    given, scores = graph.inputs[0], graph.outputs[0]
    image = contract.image
    height, width = image.input_size
    kind: QuantizedType = "int8" if contract.input_type == "int8" else "uint8"
    methods = resolver_methods(graph)
    return {
        "name": contract.name,
        "flatbuffer_sha256": contract.flatbuffer_sha256,
        "flatbuffer_bytes": len(file.flatbuffer),
        "flatbuffer": integers(file.flatbuffer),
        "input_type": contract.input_type,
        "input_c_type": f"{contract.input_type}_t",
        "input_height": height,
        "input_width": width,
        "input_channels": image.channels,
        "channels": "R, G, B" if image.channels == 3 else "grey",
        "grey": "" if image.channels == 3 else " grey is (19595 R + 38470 G + 7471 B + 32768) >> 16,",
        "input_values": height * width * image.channels,
        "input_scale": float32(given.scales[0]),
        "input_zero_point": given.zero_points[0],
        **_input_values(image, kind, given),
        "resize": image.resize,
        "crop_fraction": image.crop_fraction,
        "output_type": contract.output_type,
        "output_c_type": f"{contract.output_type}_t",
        "output_scale": float32(scores.scales[0]),
        "output_zero_point": scores.zero_points[0],
        "meaning": contract.output_meaning,
        "label_count": contract.label_count,
        "labels": "\n".join(f"    {text(label)}," for label in file.labels),
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
            f"const InputType kInput{number}[kInputValues] = {{\n{integers(np.frombuffer(one.input, kind))}\n}};\n"
            f"const OutputType kOutput{number}[{golden_length}] = {{\n"
            f"{integers(np.frombuffer(one.output, contract.output_type))}\n}};"
            for number, one in enumerate(file.golden)
        ),
        "golden_entries": "\n".join(
            f"    {{{text(one.name)}, kInput{number}, kOutput{number}}},"
            for number, one in enumerate(file.golden)
        ),
    }


def _input_values(image: Preprocessing, kind: QuantizedType, given: FileTensor) -> dict[str, str]:
    """How C++ makes the input of pixels: by a table, or where it would give each pixel itself, without one."""
    table = input_table(image, given.scales[0], given.zero_points[0], kind)
    if takes_pixels(table):
        itself = "static_cast<InputType>(pixel)" if kind == "uint8" else "static_cast<InputType>(pixel - 128)"
        return {
            "input_rule": "Input(pixel)",
            "normalisation": "The model normalises itself: no table.",
            "input_declaration": f"constexpr InputType Input(uint8_t pixel) {{ return {itself}; }}",
            "input_table": "",
        }
    mean, std = ", ".join(map(str, image.mean)), ", ".join(map(str, image.std))
    rows = "\n".join(f"    {{\n{integers(row)}\n    }}," for row in table)
    return {
        "input_rule": "kInputTable[channel][pixel]",
        "normalisation": f"Mean {mean}, standard deviation {std}, white being 1.",
        "input_declaration": "extern const InputType kInputTable[kInputChannels][256];",
        "input_table": f"const InputType kInputTable[kInputChannels][256] = {{\n{rows}\n}};\n\n",
    }

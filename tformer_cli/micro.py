"""`tformer micro`: writes a model file as C++ sources for TensorFlow Lite Micro, and proves them in its interpreter."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from tformer_edge.byte_count import byte_count
from tformer_edge.errors import UserError

EPILOG = """examples:
  tformer convert --int8 --target micro --out model.tflite      the shipped CIFAR-10 model
  tformer micro model.tflite --out firmware/
  tformer micro model.tflite --out firmware/ --flash 512kB --arena 128kB

FILE is a model file of `tformer convert`, best made with --target micro. The folder's README.md says what to do with
the sources. Exit code 2, and nothing is written, where a budget is exceeded. `python converters/to_micro.py` is the
same command."""

PICTURE = "memory.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", metavar="FILE", help="a .tflite file with its contract")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the sources go")
    parser.add_argument("--flash", metavar="SIZE", help="most bytes of the flatbuffer: 450000, 450kB, 440KiB")
    parser.add_argument("--arena", metavar="SIZE", help="most bytes of the arena, as measured")
    parser.add_argument(
        "--margin",
        metavar="SIZE",
        default="2048",
        help="bytes that the sources reserve beyond it, for the scratch memory of other kernels (default: 2048)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing files")


def run(args: argparse.Namespace) -> int:
    """Checks, measures, writes the sources and the picture of the arena."""
    from tformer_cli.console import Output
    from tformer_edge.contract import read_model_file
    from tformer_edge.files import check_writable, write_all_whole
    from tformer_keras.deploy.micro.firmware import check_tensors, file_names, write_firmware
    from tformer_keras.deploy.micro.memory_picture import draw_memory
    from tformer_keras.deploy.micro.micro_operations import check_operations

    output = Output(args.json)
    budgets = {name: _size(getattr(args, name), f"--{name}") for name in ("flash", "arena")}
    margin = _size(args.margin, "--margin") or 0
    if args.out.exists() and not args.out.is_dir():
        raise UserError("a folder for --out", f"the file {args.out}", "give another name")
    file = read_model_file(args.model)
    check_writable([args.out / name for name in [*file_names(file), PICTURE]], args.force)
    graph = _graph(file.flatbuffer)
    check_tensors(file, graph)
    check_operations(graph)
    vectors, measured = _golden(file, graph)
    firmware = write_firmware(file, graph, measured, Path(args.model).name, margin)
    _check_budgets(budgets, firmware.flash_bytes, measured.arena, args.model)
    title = file.contract.name if file.contract else args.model
    contents = {args.out / name: data for name, data in firmware.files.items()}
    contents[args.out / PICTURE] = draw_memory(file.flatbuffer, graph, measured, title)
    write_all_whole(contents)
    report: dict[str, Any] = {
        "model": args.model,
        "name": title,
        "out": str(args.out),
        "flash_bytes": firmware.flash_bytes,
        "table_bytes": firmware.table_bytes,
        "decoder_bytes": firmware.decoder_bytes,
        "arena": {
            "measured": measured.arena,
            "head": measured.head,
            "tail": measured.tail,
            "parts": measured.parts,
            "margin": margin,
            "reserved": firmware.arena_bytes,
        },
        "operations": len(graph.operations),
        "kinds": sorted({operation.type for operation in graph.operations}),
        "macs": graph.macs,
        "planned": _is_planned(file.flatbuffer),
        "golden": [dataclasses.asdict(vector) for vector in vectors],
        "files": sorted(firmware.files) + [PICTURE],
    }
    _show(report, firmware.decoder_memory, output)
    output.result(report)
    return 0


@dataclasses.dataclass(frozen=True)
class Vector:
    """A golden vector in TFLite Micro: how many of its outputs' values differ from LiteRT's reference kernels."""

    name: str
    values: int
    different: int


def _graph(flatbuffer: bytes) -> Any:
    """The graph of a file that may be a stranger's. Raises UserError where firmware cannot be written for it."""
    from tformer_edge.graph import read_graph

    graph = read_graph(flatbuffer)
    if graph.subgraphs != 1 or len(graph.inputs) != 1 or not graph.outputs:
        raise UserError(
            "a model of one graph, one input and an output",
            f"{graph.subgraphs} graphs, {len(graph.inputs)} inputs and {len(graph.outputs)} outputs",
            "firmware for it is yours to write",
        )
    return graph


def _golden(file: Any, graph: Any) -> tuple[list[Vector], Any]:
    """The golden vectors run in TFLite Micro, and what that took. Raises UserError where one differs."""
    import numpy as np

    from tformer_keras.deploy.micro.micro_run import run_in_micro

    given = graph.inputs[0]
    inputs = np.stack([np.frombuffer(one.input, given.type).reshape(given.shape) for one in file.golden])
    measured = run_in_micro(file.flatbuffer, inputs, len(graph.outputs))
    vectors = []
    for number, one in enumerate(file.golden):
        received = np.concatenate([output[number].reshape(-1) for output in measured.outputs])
        expected = np.frombuffer(one.output, received.dtype)
        different = (received != expected).sum() if received.shape == expected.shape else received.size
        vectors.append(Vector(one.name, received.size, int(different)))
    wrong = [vector for vector in vectors if vector.different]
    if wrong:
        raise UserError(
            "TensorFlow Lite Micro to give LiteRT's outputs",
            f"{wrong[0].different} of {wrong[0].values} other output values for the golden vector '{wrong[0].name}'",
            "convert the model again with converters/to_tflite.py --target micro",
        )
    return vectors, measured


def _size(text: str | None, option: str) -> int | None:
    return None if text is None else byte_count(text, option)


def _check_budgets(budgets: dict[str, int | None], flash: int, arena: int, model: str) -> None:
    over = [
        f"{name} of {most:,} bytes ({used:,}, {used - most:,} over)"
        for name, most, used in (("flash", budgets["flash"], flash), ("arena", budgets["arena"], arena))
        if most is not None and used > most
    ]
    if over:
        raise UserError(
            f"{model} to fit into the budgets",
            f"more than the {' and the '.join(over)}",
            "use a smaller width, input or depth, or convert with --target micro (the arena is measured on a 64-bit "
            "machine, which overstates a 32-bit one)",
        )


def _is_planned(flatbuffer: bytes) -> bool:
    from tformer_keras.deploy.micro.memory_plan import METADATA

    return METADATA in flatbuffer


def _show(report: dict[str, Any], decoder: str, output: Any) -> None:
    import rich.table

    arena = report["arena"]
    table = rich.table.Table(title=f"{report['name']} for TensorFlow Lite Micro", show_header=False)
    rows = [
        ("flash", f"{report['flash_bytes']:,} bytes of model, {report['table_bytes']:,} of tables"),
        (
            "arena",
            f"{arena['measured']:,} bytes measured: {arena['head']:,} activations, {arena['tail']:,} structures "
            "(on 64 bits; less on 32)",
        ),
        ("reserved", f"{arena['reserved']:,} bytes, {arena['margin']:,} of them margin"),
        *([("decoder", f"{report['decoder_bytes']:,} bytes of static memory: {decoder}")] if decoder else []),
        ("operations", f"{report['operations']}: {', '.join(report['kinds'])}"),
        ("MACs", f"{report['macs']:,}"),
    ]
    rows += [
        (f"golden vector '{one['name']}'", f"{one['values']:,} output values equal LiteRT's, bit for bit")
        for one in report["golden"]
    ]
    if not report["planned"]:
        rows.append(
            (
                "note",
                "made for LiteRT: `tformer convert --target micro` gives fewer operations and a smaller arena",
            )
        )
    for row in rows:
        table.add_row(*row)
    output.console.print(table)
    output.say(
        f"wrote {len(report['files'])} files to {report['out']}; README.md there says how to build them"
    )

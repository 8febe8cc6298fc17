"""Shows what a model file says and is made of: contract, operators, sizes, and what XNNPACK computes.

LiteRT opens the file in a process of its own, which a hostile one cannot leave.
"""

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from tformer_edge.archive import read_archive
from tformer_edge.commands.model_options import add_model_arguments, open_model
from tformer_edge.contract import JSON_NAME, LABELS_NAME, load_bytes, read_model_file
from tformer_edge.errors import UserError
from tformer_edge.graph import read_graph
from tformer_edge.printable import printable
from tformer_edge.refusal import Refusal

EPILOG = """examples:
  tformer-edge inspect model.tflite
  tformer-edge inspect model.tflite --json | python3 -m json.tool"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)


def run(args: argparse.Namespace) -> int:
    found, flatbuffer = _inspect(args.model)
    refusal = None
    # What is refused is what one wants to look into, so the rest is shown first.
    try:
        graph = read_graph(flatbuffer)
        found["graph"] = graph.summary()
        if len(graph.inputs) != 1:
            found["note"] = (
                f"a model of {len(graph.inputs)} inputs: LiteRT's own interpreter runs it, tformer-edge does not"
            )
            return _show(found, args)
        with open_model(args) as model:
            found["delegation"] = dataclasses.asdict(model.delegation())
            found["tensors"] = {
                "input": dataclasses.asdict(model.input),
                "outputs": [dataclasses.asdict(one) for one in model.outputs],
            }
    except UserError as error:
        refusal = error
    _show(found, args)
    if refusal is not None:
        raise refusal
    return 0


def _show(found: dict[str, Any], args: argparse.Namespace) -> int:
    found["kernels"] = args.kernels
    print(json.dumps(found) if args.json else "\n".join(_lines(found)))
    return 0


def _inspect(path: str) -> tuple[dict[str, Any], bytes]:
    """What the zip says, and the flatbuffer. Raises UserError for a file that breaks docs/contract.md."""
    try:
        data = load_bytes(Path(path))
        file = read_model_file(data)
        archive = read_archive(data, JSON_NAME)
    except Refusal as refusal:
        raise refusal.of_file(path) from None
    _, parts = archive or (len(data), {})
    found = {
        "model": path,
        "bytes": {
            "file": len(data),
            "flatbuffer": len(file.flatbuffer),
            "zip": len(data) - len(file.flatbuffer),
            "parts": {name: len(content) for name, content in parts.items()},
        },
        "contract": json.loads(parts[JSON_NAME]) if parts else None,
        "labels": list(file.labels),
        "graph": None,
        "tensors": None,
        "delegation": None,
        "note": None,
    }
    return found, file.flatbuffer


def _lines(found: dict[str, Any]) -> list[str]:
    sizes, graph, tensors = found["bytes"], found["graph"], found["tensors"]
    lines = [f"{printable(found['model'])}: {sizes['file']:,} bytes", "", "contract"]
    if found["contract"] is None:
        lines.append("  none: nothing says how images become its input, or what its outputs are called")
    else:
        lines += [_row(name, value) for name, value in _fields(found["contract"])]
        lines.append(_row(LABELS_NAME, _labels(found["labels"])))
    lines += ["", "bytes", _row("flatbuffer", sizes["flatbuffer"])]
    lines += [_row(name, count) for name, count in sizes["parts"].items()]
    if sizes["parts"]:
        lines.append(_row("zip, with its headers", sizes["zip"]))
    if graph is not None:
        lines += ["", "graph", _row("bytes of constants", graph["constant_bytes"])]
        lines.append(_row("numbers in constants", graph["parameters"]))
        lines.append(_row("multiply-accumulates", graph["macs"]))
        lines += [_row(name, graph[name]) for name in ("tensors", "subgraphs")]
        lines.append(_row("operators", sum(graph["operators"].values())))
        lines += [_row(f"  {name}", count) for name, count in graph["operators"].items()]
    if found["note"] is not None:
        lines += ["", "tensors", *(_row("input", _named(one)) for one in graph["inputs"])]
        lines += [*(_row("output", _named(one)) for one in graph["outputs"]), "", found["note"]]
    if tensors is not None:
        lines += ["", "tensors", _row("input", _tensor(tensors["input"]))]
        lines += [_row("output", _tensor(one)) for one in tensors["outputs"]]
    if found["delegation"] is not None:
        lines += ["", "delegation", _row(f"{found['kernels']} kernels", _delegation(found["delegation"]))]
    return lines


def _row(name: str, value: str | int) -> str:
    return f"  {name:<26} {value if isinstance(value, str) else format(value, ',')}"


def _fields(document: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """(dotted name, value) of each field; `source` and what else is free is shown as JSON."""
    result: list[tuple[str, str]] = []
    for key, value in document.items():
        if isinstance(value, dict) and not prefix and key not in ("source", "accuracy"):
            result += _fields(value, f"{key}.")
        elif key == "golden" and isinstance(value, list):
            result += [(f"golden[{index}]", _json(one)) for index, one in enumerate(value)]
        else:
            result.append((printable(prefix + key), _json(value)))
    return result


def _json(value: Any) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _labels(labels: list[str]) -> str:
    shown = ", ".join(labels[:6])
    return shown if len(labels) <= 6 else f"{shown}, … ({len(labels):,} in all)"


def _tensor(info: dict[str, Any]) -> str:
    text = f"{info['type']} {' × '.join(map(str, info['shape']))}"
    if info["scale"]:
        text += f", real = (value − {info['zero_point']}) · {info['scale']:.9g}"
    return text


def _named(border: dict[str, Any]) -> str:
    """A tensor of the graph's border, where LiteRT was not asked."""
    return " ".join((border["type"], " × ".join(map(str, border["shape"])), border["name"])).rstrip()


def _delegation(found: dict[str, Any]) -> str:
    left = ", ".join(f"{count} {name}" for name, count in found["left"].items())
    count = found["partitions"]
    return f"{count} XNNPACK partition{'' if count == 1 else 's'}; left to LiteRT: {left or 'nothing'}"

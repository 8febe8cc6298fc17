"""`tformer sizes`: the paper's figures beside the sizes counted from the built graphs."""

from __future__ import annotations

import argparse
from typing import Any

from tformer_cli.paper_rows import COUNTED, MEASURES, ROWS, TOP, Row

EPILOG = """examples:
  tformer sizes                 the paper's tables, and the peers counted by the same function
  tformer sizes --json          the same, machine-readable
  tformer sizes --model runs/x
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument(
        "--model", metavar="FILE", help="count this .keras file, or run's folder, instead of the tables"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the tables; returns the exit code."""
    from tformer_cli.console import Output

    output = Output(args.json)
    counted: dict[str, tuple[int, int]] = {}
    rows = [_count_file(args.model)] if args.model else [_count_row(row, counted) for row in ROWS]
    for title in dict.fromkeys(row["table"] for row in rows):
        output.console.print(_table(title, [row for row in rows if row["table"] == title]))
    output.say(
        "Trainable parameters; multiply-accumulates of convolutions, dense layers and attention, poolings not counted. "
        "Of PVT, ResMLP, DeiT, Swin-Mixer and larger backbones: as `python -m benchmarks.peers` counts them."
    )
    output.result({"rows": rows})
    return 0


def _count_file(path: str) -> dict[str, Any]:
    from tformer_keras.models.counting import count
    from tformer_keras.training.model import load_model

    size = count(load_model(path))
    return {"table": "File", "label": path, "parameters": size.parameters, "macs": size.macs}


def _count_row(row: Row, counted: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """The row with our counts, at the table's size, else 224×224; those of one configuration are counted once, those of
    models that this package does not build were counted before."""
    measures = MEASURES.get(row.table, TOP)
    if row.model is None:
        parameters, macs = COUNTED.get((row.table, row.label)) or (None, None)
    else:
        key = f"{row.model} {row.overrides}"
        if key not in counted:
            counted[key] = _count(row.model, row.overrides)
        parameters, macs = counted[key]
    return {
        "table": row.table,
        "label": row.label,
        "configuration": None if row.model is None else {"model": row.model, **row.overrides},
        "parameters": parameters,
        "macs": macs,
        "paper": {
            "parameters_millions": row.paper_parameters,
            "gmacs": row.paper_macs,
            **dict.fromkeys(measures.values(), "–"),
            **dict(zip(measures.values(), row.scores, strict=False)),
        },
    }


def _count(model: str, overrides: dict[str, Any]) -> tuple[int, int]:
    from tformer_keras.models import RetinaNet, SemanticFPN, build
    from tformer_keras.models.counting import count, without_values
    from tformer_keras.models.resnet import RESNETS, ResNet

    def built() -> Any:
        if model == "RetinaNet":
            return RetinaNet(**overrides, input_shape=(800, 1280, 3))
        if model == "SemanticFPN":
            return SemanticFPN(**overrides, input_shape=(512, 512, 3))
        return ResNet(model) if model in RESNETS else build(model, **overrides)

    size = count(without_values(built))
    return size.parameters, size.macs


def _table(title: str, rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    # Narrow, so that the nine columns of detectors fit into a terminal of 80.
    table = Table(title=title, title_justify="left", padding=(0, 0, 0, 1))
    table.add_column("model", no_wrap=True)
    measures = MEASURES.get(title, TOP)
    printed = [row.get("paper", {}) for row in rows]
    has_macs = any(paper.get("gmacs", "–") != "–" for paper in printed)
    for column in ("M param.", "paper", "GMACs", *(["paper"] if has_macs else []), *measures):
        table.add_column(column, justify="right")
    for row, paper in zip(rows, printed, strict=True):
        ours = ("–", "–")
        if row["parameters"] is not None:
            decimals = 4 if has_macs else 2
            ours = f"{row['parameters'] / 1e6:.3f}", f"{row['macs'] / 1e9:.{decimals}f}"
        table.add_row(
            row["label"],
            ours[0],
            paper.get("parameters_millions", "–"),
            ours[1],
            *([paper.get("gmacs", "–")] if has_macs else []),
            *(paper.get(name, "–") for name in measures.values()),
        )
    return table

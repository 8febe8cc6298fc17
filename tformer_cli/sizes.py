"""`tformer sizes`: the paper's figures beside the sizes counted from the built graphs."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

EPILOG = """examples:
  tformer sizes                 the paper's tables, and the peers counted by the same function
  tformer sizes --json          the same, machine-readable
  tformer sizes --model runs/x
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        table, label: as the paper has them.
        model: a key of VARIANTS or RESNETS; None for a peer that this project does not build.
        overrides: fields of the configuration.
        paper_parameters, paper_macs: millions, and 10⁹, as printed; "–": not printed there.
        top1, top5: per cent on ImageNet, as the paper prints them.
    """

    table: str
    label: str
    model: str | None
    overrides: dict[str, Any] = dataclasses.field(default_factory=dict)
    paper_parameters: str = "–"
    paper_macs: str = "–"
    top1: str = "–"
    top5: str = "–"


SHAPES = "Models (paper, Table 1)"
FFN = "FFN of TFormer-S (paper, Table 3)"
CLASSIFICATION = "Classification on ImageNet (paper, Table 5)"
STANDARD, GHOST = {"ffn": "standard"}, {"ffn": "ghost"}
ROWS = (
    Row(SHAPES, "TFormer-S, layers 2-2-6-2", "tformer_s", {}, "8", "1.2"),
    Row(SHAPES, "TFormer-M, layers 4-4-12-4", "tformer_m", {}, "14", "2.2"),
    Row(SHAPES, "TFormer-L, layers 6-6-18-6", "tformer_l", {}, "20", "3.2"),
    Row(FFN, "standard r=1", "tformer_s", {**STANDARD, "expansion": 1}, "6.0", "0.83", "70.8"),
    Row(FFN, "Ghost, ratio 4", "tformer_s", {**GHOST, "ghost_ratio": 4}, "6.2", "0.87", "71.8"),
    Row(FFN, "PCS r=4 g=4", "tformer_s", {"groups": 4}, "6.0", "0.83", "73.2"),
    Row(FFN, "standard r=2", "tformer_s", {**STANDARD, "expansion": 2}, "8.4", "1.2", "75.0"),
    Row(FFN, "Ghost, ratio 2", "tformer_s", {**GHOST, "ghost_ratio": 2}, "8.5", "1.3", "75.5"),
    Row(FFN, "PCS r=4 g=2", "tformer_s", {}, "8.4", "1.2", "76.1"),
    Row(FFN, "standard r=4 (= PCS g=1)", "tformer_s", {"groups": 1}, "13", "2.0", "78.4"),
    Row(CLASSIFICATION, "ResNet-18", "resnet18", {}, "12", "1.8", "70.6", "89.6"),
    Row(CLASSIFICATION, "PVT-Tiny", None, {}, "13", "1.9", "75.1", "92.4"),
    Row(CLASSIFICATION, "ResMLP-S12", None, {}, "15", "3.0", "76.6", "93.2"),
    Row(CLASSIFICATION, "TFormer-S", "tformer_s", {}, "8.4", "1.2", "76.1", "92.9"),
    Row(CLASSIFICATION, "DeiT-S (0.3-12)", None, {}, "15", "3.1", "78.6", "94.4"),
    Row(CLASSIFICATION, "Swin-Mixer-T/D24", None, {}, "20", "4.0", "79.4", "94.6"),
    Row(CLASSIFICATION, "ResNet-50", "resnet50", {}, "26", "4.1", "79.8", "94.5"),
    Row(CLASSIFICATION, "DeiT-S", None, {}, "22", "4.6", "79.8", "95.0"),
    Row(CLASSIFICATION, "PVT-Small", None, {}, "25", "3.8", "79.8", "95.0"),
    Row(CLASSIFICATION, "TFormer-M", "tformer_m", {}, "14", "2.2", "79.7", "94.8"),
    Row(CLASSIFICATION, "ResMLP-S24", None, {}, "30", "6.0", "79.4", "–"),
    Row(CLASSIFICATION, "Swin-Mixer-T/D6", None, {}, "23", "4.0", "79.7", "94.9"),
    Row(CLASSIFICATION, "PoolFormer-S24", "poolformer_s24", {}, "21", "3.6", "80.3", "95.0"),
    Row(CLASSIFICATION, "TFormer-L", "tformer_l", {}, "20", "3.2", "80.6", "95.4"),
    Row("Not in the paper's tables", "PoolFormer-S12", "poolformer_s12"),
)


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
        "Trainable parameters; multiply-accumulates of convolutions and dense layers, poolings not counted."
    )
    output.result({"rows": rows})
    return 0


def _count_file(path: str) -> dict[str, Any]:
    from tformer_keras.models.counting import count
    from tformer_keras.training.model import load_model

    size = count(load_model(path))
    return {"table": "File", "label": path, "parameters": size.parameters, "macs": size.macs}


def _count_row(row: Row, counted: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """The row with our counts, at 224×224; those of one configuration are counted once."""
    key = f"{row.model} {row.overrides}"
    if row.model is not None and key not in counted:
        counted[key] = _count(row.model, row.overrides)
    parameters, macs = counted.get(key, (None, None))
    return {
        "table": row.table,
        "label": row.label,
        "configuration": None if row.model is None else {"model": row.model, **row.overrides},
        "parameters": parameters,
        "macs": macs,
        "paper": {
            "parameters_millions": row.paper_parameters,
            "gmacs": row.paper_macs,
            "top1": row.top1,
            "top5": row.top5,
        },
    }


def _count(model: str, overrides: dict[str, Any]) -> tuple[int, int]:
    from tformer_keras.models import build
    from tformer_keras.models.counting import count
    from tformer_keras.models.resnet import RESNETS, ResNet

    size = count(ResNet(model) if model in RESNETS else build(model, **overrides))
    return size.parameters, size.macs


def _table(title: str, rows: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("model", no_wrap=True)
    for column in ("M param.", "paper", "GMACs", "paper", "top-1", "top-5"):
        table.add_column(column, justify="right")
    for row in rows:
        paper = row.get("paper", {})
        ours = ("–", "–")
        if row["parameters"] is not None:
            ours = f"{row['parameters'] / 1e6:.3f}", f"{row['macs'] / 1e9:.4f}"
        table.add_row(
            row["label"],
            ours[0],
            paper.get("parameters_millions", "–"),
            ours[1],
            paper.get("gmacs", "–"),
            paper.get("top1", "–"),
            paper.get("top5", "–"),
        )
    return table

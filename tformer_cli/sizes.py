"""`tformer sizes`: the sizes that the paper prints beside those counted from the built graphs."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import Any

HELP = "count parameters and multiply-accumulates, beside the paper's figures"
EPILOG = """examples:
  tformer sizes                 the paper's tables, and the peers counted by the same function
  tformer sizes --json          the same, machine-readable
  tformer sizes --model runs/x/model.keras
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table: what is built, and what the paper prints for it (millions, 10⁹; None: not printed there)."""

    table: str
    label: str
    model: str
    overrides: dict[str, Any] = dataclasses.field(default_factory=dict)
    paper_parameters: str | None = None
    paper_macs: str | None = None


MODELS = "Classification at 224×224 (paper, Tables 1 and 5)"
FFN = "FFN of TFormer-S (paper, Table 3)"
PEERS = "Peers, counted by the same function"
ROWS = (
    Row(MODELS, "TFormer-S", "tformer_s", {}, "8.4", "1.2"),
    Row(MODELS, "TFormer-M", "tformer_m", {}, "14", "2.2"),
    Row(MODELS, "TFormer-L", "tformer_l", {}, "20", "3.2"),
    # Of Table 3 only these figures of the paper are on record in this project (docs/architecture.md).
    Row(FFN, "PCS-FFN r=4 g=1", "tformer_s", {"groups": 1}),
    Row(FFN, "PCS-FFN r=4 g=2", "tformer_s", {}, "8.4", "1.2"),
    Row(FFN, "PCS-FFN r=4 g=4", "tformer_s", {"groups": 4}),
    Row(FFN, "standard FFN r=1", "tformer_s", {"ffn": "standard", "expansion": 1}),
    Row(FFN, "standard FFN r=2", "tformer_s", {"ffn": "standard", "expansion": 2}),
    Row(FFN, "Ghost FFN ratio 4", "tformer_s", {"ffn": "ghost", "ghost_ratio": 4}, "6.2", "0.87"),
    Row(FFN, "Ghost FFN ratio 2", "tformer_s", {"ffn": "ghost", "ghost_ratio": 2}, "8.5", "1.3"),
    Row(PEERS, "ResNet-18", "resnet18"),
    Row(PEERS, "ResNet-50", "resnet50"),
    Row(PEERS, "PoolFormer-S12", "poolformer_s12"),
    Row(PEERS, "PoolFormer-S24", "poolformer_s24"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--model", metavar="FILE", help="count this .keras file instead of the tables")


def run(args: argparse.Namespace) -> int:
    """Prints the tables; returns the exit code."""
    rows = [_count_file(args.model)] if args.model else [_count_row(row) for row in ROWS]
    if args.json:
        json.dump(rows, sys.stdout, indent=2)
        print()
    else:
        _print_tables(rows)
    return 0


def _count_file(path: str) -> dict[str, Any]:
    from tformer_keras.models.counting import count
    from tformer_keras.training.model import load_model

    size = count(load_model(path))
    return {"table": "File", "label": path, "parameters": size.parameters, "macs": size.macs}


def _count_row(row: Row) -> dict[str, Any]:
    from tformer_keras.models import build
    from tformer_keras.models.counting import count
    from tformer_keras.models.resnet import RESNETS, ResNet

    model = ResNet(row.model) if row.model in RESNETS else build(row.model, **row.overrides)
    size = count(model)
    return {
        "table": row.table,
        "label": row.label,
        "configuration": {"model": row.model, **row.overrides},
        "parameters": size.parameters,
        "macs": size.macs,
        "paper_parameters_millions": row.paper_parameters,
        "paper_gmacs": row.paper_macs,
    }


def _print_tables(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for title in dict.fromkeys(row["table"] for row in rows):
        table = Table(title=title, title_justify="left")
        table.add_column("model")
        for column in ("parameters", "M parameters", "paper", "GMACs", "paper"):
            table.add_column(column, justify="right")
        for row in (row for row in rows if row["table"] == title):
            table.add_row(
                row["label"],
                f"{row['parameters']:,}",
                f"{row['parameters'] / 1e6:.3f}",
                row.get("paper_parameters_millions") or "–",
                f"{row['macs'] / 1e9:.4f}",
                row.get("paper_gmacs") or "–",
            )
        console.print(table)
    console.print(
        "Trainable parameters; multiply-accumulates of convolutions and dense layers, poolings not counted."
    )

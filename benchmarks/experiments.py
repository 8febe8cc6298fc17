"""A log of training runs as a table: what each one changed, what it cost, what came out.

    python -m benchmarks.experiments runs/search/*
    python -m benchmarks.experiments runs/search/* --base runs/search/C --json

A row is a finished run's folder. "changed" is what differs from the run given by --base (the first one without), the
number of epochs apart, which has a column of its own. docs/experiments.md keeps what was found.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from tformer_edge.command_line import guarded
from tformer_edge.errors import UserError, first_line

COLUMNS = ("run", "changed", "parameters", "M MACs", "epochs", "seconds", "top-1")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One finished run.

    Attributes:
        settings: everything that decides it, by dotted name.
        macs: multiply-accumulates of an image.
        seconds: of the training, on whatever the machine did besides.
        top1: share of the test images, 0..1.
    """

    name: str
    settings: Mapping[str, Any]
    parameters: int
    macs: int
    epochs: int
    seconds: float
    top1: float


def read_experiment(folder: Path) -> Experiment:
    """A run's row. Raises UserError where the folder holds no finished run of a classifier."""
    from tformer_keras.models.counting import count
    from tformer_keras.training.model import load_model

    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        run = config["run"]
        recipe = {
            key: value for key, value in run["recipe"].items() if key not in ("epochs", "model_arguments")
        }
        settings = flat({**recipe, "model": {"name": config["model"]["name"], **config["model"]["config"]}})
        settings |= {"seed": run["seed"], "teacher": run.get("teacher"), "limit_steps": run["limit_steps"]}
        top1, epochs, seconds = report["evaluation"]["top1"], report["epochs"], report["seconds"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            "a finished run of a classifier", first_line(error), "leave it out", where=str(folder)
        ) from error
    size = count(load_model(str(folder)))
    return Experiment(folder.name, settings, size.parameters, size.macs, epochs, seconds, top1)


def flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dots in its names; "model." is left out, as --model-set does."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = f"{before}{key}"
        if isinstance(item, Mapping):
            found |= flat(item, "" if name == "model" else f"{name}.")
        else:
            found[name] = item
    return found


def changed(experiment: Experiment, base: Experiment) -> str:
    """What differs from the base, as "field value"."""
    names = dict.fromkeys([*base.settings, *experiment.settings])
    parts = []
    for name in names:
        value = experiment.settings.get(name)
        if value != base.settings.get(name):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            parts.append(f"{name} {shown}")
    return "; ".join(parts) or "–"


def table(experiments: Sequence[Experiment], base: Experiment) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|" + "---:|" * (len(COLUMNS) - 2)]
    for one in experiments:
        cells = (
            one.name,
            changed(one, base),
            f"{one.parameters:,}",
            f"{one.macs / 1e6:.1f}",
            str(one.epochs),
            f"{one.seconds:,.0f}",
            f"{100 * one.top1:.2f} %",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def run(args: argparse.Namespace) -> int:
    """Reads and prints."""
    experiments = [read_experiment(folder) for folder in args.runs]
    base = read_experiment(args.base) if args.base else experiments[0]
    if args.json:
        rows = [{**dataclasses.asdict(one), "changed": changed(one, base)} for one in experiments]
        print(json.dumps({"runs": rows}, indent=2, ensure_ascii=False))
    else:
        print(table(experiments, base))
    return 0


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of finished runs")
    parser.add_argument("--base", type=Path, metavar="RUN", help="what they are compared with")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    return guarded("benchmarks/experiments.py", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())

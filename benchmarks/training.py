"""Images per second of a training step: TFormer against its plain forms and against PoolFormer, in one run.

Every case runs in a process of its own (its peak memory is its own), the cases of a comparison in turn, round after
round, so that a machine whose speed drifts treats them alike; the median of each case's rounds is compared.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

EPILOG = """examples:
  python benchmarks/training.py                     every comparison on TensorFlow, without XLA
  python benchmarks/training.py --backend jax       on JAX (always compiled by XLA)
  python benchmarks/training.py --xla               on TensorFlow, compiled by XLA
  python benchmarks/training.py --only micro --json
"""


@dataclasses.dataclass(frozen=True)
class Case:
    """One model in one form: `plain` replaces what the layers do by the framework's own operations."""

    label: str
    model: str
    overrides: dict[str, Any]
    plain: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Cases that are run in turn; the first is what the others are measured against, with the ratio to reach."""

    name: str
    batch: int
    cases: tuple[Case, ...]
    reach: tuple[float | None, ...]


MICRO = {
    "input_shape": [32, 32, 3],
    "classes": 10,
    "stem_kernel": 3,
    "stem_stride": 2,
    "depths": [1, 2, 6, 2],
}
COMPARISONS = (
    Comparison(
        "small",
        8,
        (
            Case("TFormer-S 224×224", "tformer_s", {}),
            Case("Conv2D(groups=2), ten separate pools", "tformer_s", {}, ("grouped", "pools")),
            Case("PoolFormer-S12, GroupNorm, GELU", "poolformer_s12", {}),
            Case(
                "PoolFormer-S12, BatchNorm, quick GELU",
                "poolformer_s12",
                {"norm": "batch", "activation": "quick_gelu"},
            ),
        ),
        (2.5, 1.1, None),
    ),
    Comparison(
        "micro",
        128,
        (
            Case("TFormer-Micro 32×32", "tformer_micro", MICRO),
            Case("ten separate pools", "tformer_micro", MICRO, ("pools",)),
        ),
        (1.9,),
    ),
)


def build(case: Case) -> Any:
    """The case's model, its layers replaced where `plain` says so."""
    import keras

    from tformer_keras.layers import GroupedPointwise
    from tformer_keras.models import build

    overrides = dict(case.overrides)
    if "pools" in case.plain:
        overrides["pooling_implementation"] = "separate"
    model = build(case.model, **overrides)

    def clone(layer: Any) -> Any:
        if "grouped" in case.plain and isinstance(layer, GroupedPointwise):
            return keras.layers.Conv2D(layer.filters, 1, groups=layer.groups, name=layer.name)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=clone) if case.plain else model


def measure(case: Case, batch: int, steps: int, xla: bool) -> dict[str, float]:
    """Images per second of `steps` training steps after two, and the process' peak memory in MB."""
    import keras
    import numpy as np

    keras.utils.set_random_seed(0)
    model = build(case)
    # Keras runs JAX operation by operation where this is False.
    compiled = xla or keras.backend.backend() == "jax"
    model.compile(
        keras.optimizers.AdamW(1e-3),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        jit_compile=compiled,
    )
    random = np.random.default_rng(0)
    images = random.standard_normal((batch, *model.input_shape[1:]), dtype="float32")
    labels = np.eye(model.output_shape[-1], dtype="float32")[
        random.integers(0, model.output_shape[-1], batch)
    ]
    times = []
    for step in range(steps + 2):
        begin = time.perf_counter()
        model.train_on_batch(images, labels)
        if step >= 2:
            times.append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"images_per_second": batch / statistics.median(times), "peak_megabytes": peak}


def compare(comparison: Comparison, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Runs the comparison's cases in turn and returns a row for each."""
    results: list[list[dict[str, float]]] = [[] for _ in comparison.cases]
    for _ in range(args.rounds):
        for index in range(len(comparison.cases)):
            command = [
                sys.executable,
                __file__,
                "--case",
                f"{comparison.name}:{index}",
                "--steps",
                str(args.steps),
            ]
            environment = {**os.environ, "KERAS_BACKEND": args.backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
            done = subprocess.run(
                command + (["--xla"] if args.xla else []), env=environment, capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(
                    f"benchmark case {comparison.cases[index].label!r} failed:\n{done.stderr[-2000:]}"
                )
            results[index].append(json.loads(done.stdout.splitlines()[-1]))
            rate = results[index][-1]["images_per_second"]
            print(f"{comparison.cases[index].label}: {rate:.1f} images/s", file=sys.stderr, flush=True)
    rows = []
    for index, (case, runs) in enumerate(zip(comparison.cases, results, strict=True)):
        rates = [run["images_per_second"] for run in runs]
        ratios = [ours["images_per_second"] / theirs for ours, theirs in zip(results[0], rates, strict=True)]
        rows.append(
            {
                "comparison": comparison.name,
                "backend": args.backend,
                "xla": args.xla or args.backend == "jax",
                "batch": comparison.batch,
                "label": case.label,
                "images_per_second": statistics.median(rates),
                "peak_megabytes": max(run["peak_megabytes"] for run in runs),
                "ratio": statistics.median(ratios),
                "reach": comparison.reach[index - 1] if index else None,
            }
        )
    return rows


def main() -> int:
    """Runs the comparisons and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backend", choices=("tensorflow", "jax"), default="tensorflow")
    parser.add_argument("--xla", action="store_true", help="compile the step with XLA (JAX always does)")
    parser.add_argument(
        "--only", choices=[comparison.name for comparison in COMPARISONS], help="one comparison"
    )
    parser.add_argument("--rounds", type=int, default=3, help="times that each case runs (default 3)")
    parser.add_argument("--steps", type=int, default=8, help="timed steps of a run (default 8)")
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    args = parser.parse_args()
    by_name = {comparison.name: comparison for comparison in COMPARISONS}
    if args.case:
        name, index = args.case.split(":")
        comparison = by_name[name]
        print(json.dumps(measure(comparison.cases[int(index)], comparison.batch, args.steps, args.xla)))
        return 0
    rows = [row for name, c in by_name.items() if args.only in (None, name) for row in compare(c, args)]
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"Training step, {args.backend}{', XLA' if rows[0]['xla'] else ''}", title_justify="left"
    )
    table.add_column("model")
    for column in ("batch", "images/s", "peak MB", "first one is … times as fast", "to reach"):
        table.add_column(column, justify="right")
    for row in rows:
        reach = f"≥ {row['reach']}×" if row["reach"] else "–"
        rate, peak = f"{row['images_per_second']:.1f}", f"{row['peak_megabytes']:.0f}"
        table.add_row(row["label"], str(row["batch"]), rate, peak, f"{row['ratio']:.2f}×", reach)
    Console().print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Measures a model on this machine: load time, first inference, latency, peak memory; on a Raspberry Pi also
temperature, clock and throttling, before and after.

Latency is of the inference alone, in milliseconds; what its outputs take to become an answer stands beside it. p90 is
the least time that 90 % of the runs did not exceed.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

from tformer_edge.board import BoardState, board_name, board_state
from tformer_edge.commands.model_options import add_model_arguments, open_model
from tformer_edge.commands.numbers import count, positive_int, positive_seconds
from tformer_edge.latency import Latency, load_litert, measure, measure_reading, peak_megabytes

ROOT = Path("/")
EPILOG = """examples:
  tformer-edge benchmark model.tflite
  tformer-edge benchmark model.tflite --threads 1 --runs 500 --json
  tformer-edge benchmark model.tflite --seconds 600        does this board throttle?"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)
    parser.add_argument(
        "--runs",
        type=positive_int,
        metavar="N",
        help="inferences to measure (default: 100, with --seconds 1)",
    )
    parser.add_argument(
        "--warmup", type=count, default=5, metavar="N", help="inferences before that, uncounted (default: 5)"
    )
    parser.add_argument("--seconds", type=positive_seconds, metavar="S", help="measure for this long")


def run(args: argparse.Namespace) -> int:
    before = board_state(ROOT)
    import_ms = load_litert()
    started = time.perf_counter()
    with open_model(args, warm=False) as model:
        load_ms = 1e3 * (time.perf_counter() - started)
        runs = args.runs or (100 if args.seconds is None else 1)
        latency = measure(model, runs, args.warmup, args.seconds)
        reading = measure_reading(model)
        after = board_state(ROOT)
        found = {
            "model": args.model,
            "board": board_name(ROOT),
            "kernels": model.kernels,
            "threads": model.threads,
            "isolated": model.isolated,
            "import_ms": import_ms,
            "load_ms": load_ms,
            **{name if name == "runs" else f"{name}_ms": value for name, value in _fields(latency).items()},
            "answer_ms": reading,
            "peak_memory_mb": peak_megabytes(model),
            "before": _fields(before),
            "after": _fields(after),
            "versions": {
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in ("ai-edge-litert", "numpy")},
            },
        }
    rounded = _rounded(found)
    print(json.dumps(rounded) if args.json else "\n".join(_lines(rounded, latency, before, after)))
    if after.throttled:
        print(
            f"tformer-edge: this board was slowed down ({', '.join(after.throttled)}): cool it, or give it a "
            "stronger power supply, and measure again",
            file=sys.stderr,
        )
    return 0


def _fields(value: Latency | BoardState) -> dict[str, Any]:
    return dataclasses.asdict(value)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def _lines(found: dict[str, Any], latency: Latency, before: BoardState, after: BoardState) -> list[str]:
    memory = found["peak_memory_mb"]
    where = ", in a process of its own" if found["isolated"] else ""
    return [
        f"{found['model']}: {found['kernels']} kernels, {_threads(found['threads'])}{where}, on {found['board']}",
        f"  load             {found['load_ms']:.1f} ms, and {found['import_ms']:.0f} ms to import LiteRT",
        f"  first inference  {latency.first:.2f} ms",
        f"  inference        p50 {latency.p50:.2f}   p90 {latency.p90:.2f}   p99 {latency.p99:.2f}   "
        f"mean {latency.mean:.2f} ms, from {latency.least:.2f} to {latency.most:.2f}, of {latency.runs}",
        *(
            []
            if found["answer_ms"] is None
            else [f"  its answer       {found['answer_ms']:.2f} ms more, from the outputs (median)"]
        ),
        f"  peak memory      {'not said by this system' if memory is None else f'{memory:.0f} MB'}",
        f"  before           {_state(before)}",
        f"  after            {_state(after)}",
    ]


def _state(state: BoardState) -> str:
    parts = [f"{name} {value:.1f} °C" for name, value in state.celsius.items()]
    if state.megahertz:
        low, high = min(state.megahertz.values()), max(state.megahertz.values())
        parts.append(f"{low:.0f} MHz" if low == high else f"{low:.0f} to {high:.0f} MHz")
    if state.throttled is not None:
        parts.append(f"throttling: {', '.join(state.throttled) or 'none'}")
        if state.throttled_since_boot:
            parts.append(f"since boot: {', '.join(state.throttled_since_boot)}")
    return ", ".join(parts) or "this machine says no temperature, clock or throttling"


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"

"""Seconds and memory from importing `tformer_edge` to the first prediction, in a fresh process each time.

python benchmarks/first_prediction.py MODEL.tflite IMAGE
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

PROGRAM = """
import sys, time
start = time.perf_counter()
from tformer_edge import Model
with Model(sys.argv[1]) as model:
    model.predict(sys.argv[2])
seconds = time.perf_counter() - start
from tformer_edge.memory import peak_bytes
print(seconds, peak_bytes() / 1e6)
"""


def main() -> int:
    """Measures and prints the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a .tflite file with a contract")
    parser.add_argument("image")
    parser.add_argument("--runs", type=int, default=5, help="processes (default 5)")
    args = parser.parse_args()
    runs = []
    for _ in range(max(1, args.runs)):
        command = [sys.executable, "-c", PROGRAM, args.model, args.image]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1].split(": ", 1)[-1]
            print(f"benchmarks/first_prediction.py: {reason}", file=sys.stderr)
            return 2
        runs.append([float(number) for number in done.stdout.split()])
    seconds, megabytes = (statistics.median(column) for column in zip(*runs, strict=True))
    print(f"{seconds:.3f} s, {megabytes:.0f} MB resident at most (median of {len(runs)} processes)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

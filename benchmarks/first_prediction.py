"""From the start of a process to its first prediction, trusted and with LiteRT in a process of its own.

python benchmarks/first_prediction.py MODEL.tflite IMAGE [--pi]

Here: seconds from importing `tformer_edge`, and memory, in a fresh process each time. With --pi: instructions on
emulated Arm cores, those of the other process counted by themselves, as it is given a model and a tensor.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.arm_emulator import CORES, SYSROOT, build_plugin, count_to_mark, guest_python, make_sysroot
from tformer_edge import Model
from tformer_edge.errors import UserError
from tformer_edge.latency import input_of
from tformer_edge.requests import RUN

PROGRAM = """
import sys, time
start = time.perf_counter()
from tformer_edge import Model
with Model(sys.argv[1], isolated=sys.argv[3] == "isolated") as model:
    model.predict(sys.argv[2])
    seconds = time.perf_counter() - start
    from tformer_edge.memory import peak_bytes
    child = peak_bytes(model._runner.pid) if sys.argv[3] == "isolated" else 0
print(seconds, peak_bytes() / 1e6, child / 1e6)
"""
MARK = f"import contextlib, os\nwith contextlib.suppress(ProcessLookupError): os.getpgid({0x1C0717})\n"
TRUSTED = "import sys\nfrom tformer_edge import Model\nModel(sys.argv[1]).predict(sys.argv[2])\n" + MARK
CHILD = "from tformer_edge import child\nchild.main()\n" + MARK
WAYS = ("trusted", "isolated")


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a .tflite file with a contract")
    parser.add_argument("image")
    parser.add_argument("--runs", type=int, default=5, help="processes each way (default 5)")
    parser.add_argument("--pi", action="store_true", help="count instructions on emulated Cortex-A72 and A76")
    args = parser.parse_args()
    try:
        (on_pi if args.pi else here)(args)
    except UserError as error:
        print(f"benchmarks/first_prediction.py: {error}", file=sys.stderr)
        return 2
    return 0


def here(args: argparse.Namespace) -> None:
    """Both ways in turn, and their medians."""
    runs: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for _ in range(max(1, args.runs)):
        for way, measured in runs.items():
            command = [sys.executable, "-c", PROGRAM, args.model, args.image, way]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise UserError(
                    "a model and an image that can be used", done.stderr.strip()[-300:], "give others"
                )
            measured.append([float(number) for number in done.stdout.split()])
    for way, measured in runs.items():
        seconds, own, child = (statistics.median(column) for column in zip(*measured, strict=True))
        beside = f", and {child:.0f} MB in its other process" if child else ""
        print(
            f"{way}: {seconds:.3f} s, {own:.0f} MB resident at most{beside} (median of {len(measured)} processes)"
        )


def on_pi(args: argparse.Namespace) -> None:
    """Instructions of the whole trusted process, and those that the other process adds."""
    make_sysroot(SYSROOT)
    with Model(args.model) as model:
        tensor, flatbuffer = input_of(model), model.file.flatbuffer
    order = {"bytes": len(flatbuffer), "kernels": "xnnpack", "threads": 1, "keep_tensors": False}
    head = json.dumps(order).encode()
    given = len(head).to_bytes(4, "little") + head + flatbuffer + RUN + np.ascontiguousarray(tensor).tobytes()
    python = guest_python(SYSROOT)
    with tempfile.TemporaryDirectory() as folder:
        plugin = build_plugin(Path(folder))
        for core in CORES:
            program = [python, "-c", TRUSTED, args.model, args.image]
            trusted = count_to_mark(core, plugin, SYSROOT, program)
            child = count_to_mark(core, plugin, SYSROOT, [python, "-P", "-c", CHILD], given)
            print(
                f"{core}: {trusted / 1e6:,.0f} M instructions to the first prediction, trusted; the process of its own "
                f"adds {child / 1e6:,.0f} M, once"
            )


if __name__ == "__main__":
    raise SystemExit(main())

"""What models take on Arm's Ethos-U processors, by Vela's estimates: operators on NPU and CPU, SRAM, flash and time.

python benchmarks/npu.py
python benchmarks/npu.py --only cifar10 --npu ethos-u55-128 --json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks import micro
from benchmarks.provenance import provenance
from tformer_edge.errors import UserError

ROWS = ("micro", "mobilenet", "cifar10", "segmenter_tiny")
NPUS = ("ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256")


def main() -> int:
    """Compiles and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", choices=list(micro.MODELS), default=list(ROWS), help="default: %(default)s"
    )
    parser.add_argument("--npu", nargs="+", default=list(NPUS), help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    args = parser.parse_args()
    try:
        return _run(args)
    except UserError as error:
        print(f"benchmarks/npu.py: {error}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    from tformer_keras.deploy.npu.vela import check_vela, compile_for_npu

    for npu in args.npu:
        check_vela(npu)
    images = micro.photo_crops(micro.CALIBRATION)
    found = []
    for name in args.only:
        flatbuffer = micro.flatbuffer_of(micro.MODELS[name], images)
        for npu in args.npu:
            estimate = compile_for_npu(flatbuffer, npu)
            found.append({"model": micro.MODELS[name].label, "bytes": len(flatbuffer), **estimate.to_json()})
            print(f"{name} {npu}", file=sys.stderr, flush=True)
    if args.json:
        print(json.dumps({"rows": found, "made": provenance()}, indent=2, ensure_ascii=False))
        return 0
    titles = ("model, target micro", "NPU", "operators on NPU / CPU", "SRAM [kB]", "flash [kB]", "ms")
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for row in found:
        print(
            f"| {row['model']} | {row['accelerator']} | {row['npu_operations']} / {len(row['cpu_operations'])} "
            f"| {row['sram_bytes'] / 1000:.1f} | {row['flash_bytes'] / 1000:.1f} | {row['milliseconds']:.2f} |"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

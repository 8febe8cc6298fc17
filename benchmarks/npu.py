"""What models take on Arm's Ethos-U processors, by Vela's estimates: operators on NPU and CPU, SRAM, flash and time.

python benchmarks/npu.py
python benchmarks/npu.py --only cifar10 --npu ethos-u55-128 --json
python benchmarks/npu.py --only micro cifar10 --pools own cascade separable    # forms of max pooling
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks import micro
from benchmarks.provenance import provenance
from tformer_edge.errors import UserError

ROWS = ("micro", "mobilenet", "cifar10_large", "cifar10_small", "cifar10", "segmenter_tiny")
NPUS = ("ethos-u55-32", "ethos-u55-64", "ethos-u55-128", "ethos-u55-256", "ethos-u65-256")
# A pool for each share of the channels, as TFLite Micro takes them best; 3×3 pools of all, as LiteRT does; the former,
# each as two pools, as `tformer convert --vela` has them.
POOLS = ("own", "cascade", "separable")


def main() -> int:
    """Compiles and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", choices=list(micro.MODELS), default=list(ROWS), help="default: %(default)s"
    )
    parser.add_argument("--npu", nargs="+", default=list(NPUS), help="default: %(default)s")
    parser.add_argument(
        "--pools",
        nargs="+",
        choices=POOLS,
        default=["separable"],
        help="form of max pools (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    args = parser.parse_args()
    try:
        return _run(args)
    except UserError as error:
        print(f"benchmarks/npu.py: {error}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    from tformer_keras.deploy.graph.lower import TARGETS
    from tformer_keras.deploy.npu.vela import check_vela, compile_for_npu

    for npu in args.npu:
        check_vela(npu)
    images = micro.photo_crops(micro.CALIBRATION)
    found = []
    others = (*TARGETS["micro"], "halve_strides")
    forms: dict[str, dict[str, Any]] = {
        "own": {"rewrites": others},
        "cascade": {"rewrites": (*others, "cascade_max")},
        "separable": {"npu": True},
    }
    for name in args.only:
        for pools in args.pools:
            model = dataclasses.replace(micro.MODELS[name], **forms[pools])
            flatbuffer = micro.flatbuffer_of(model, images)
            for npu in args.npu:
                estimate = compile_for_npu(flatbuffer, npu)
                made = {"model": model.label, "pools": pools, "bytes": len(flatbuffer)}
                found.append(made | estimate.to_json())
                print(f"{name} {pools} {npu}", file=sys.stderr, flush=True)
    if args.json:
        print(json.dumps({"rows": found, "made": provenance()}, indent=2, ensure_ascii=False))
        return 0
    titles = (
        "model, target micro",
        "pools",
        "NPU",
        "operators on NPU / CPU",
        "SRAM [kB]",
        "flash [kB]",
        "ms",
    )
    print(f"| {' | '.join(titles)} |\n|{'---|' * len(titles)}")
    for row in found:
        print(
            f"| {row['model']} | {row['pools']} | {row['accelerator']} "
            f"| {row['npu_operations']} / {len(row['cpu_operations'])} "
            f"| {row['sram_bytes'] / 1000:.1f} | {row['flash_bytes'] / 1000:.1f} | {row['milliseconds']:.2f} |"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Instructions of one inference on emulated Cortex-M boards: a firmware's sources with a TFLite Micro library of yours.

    tformer micro model-micro.tflite --out firmware
    python -m benchmarks.cortex_m firmware --tflm TFLITE-MICRO --core cortex-m4 --kernels reference

TFLITE-MICRO is a clone of https://github.com/tensorflow/tflite-micro in which the library was built by

    make -f tensorflow/lite/micro/tools/make/Makefile TARGET=cortex_m_qemu TARGET_ARCH=cortex-m4 \\
        BUILD_TYPE=release microlite        # with OPTIMIZED_KERNEL_DIR=cmsis_nn: Arm's kernels, --kernels cmsis_nn

Each folder's golden check is built with Debian's arm-none-eabi-g++ by its own Makefile and run on QEMU's board of that
core: every golden output must be equal to the bit. An inference's instructions are those of a run over all golden
vectors less those of a run over the first one, divided by how many more they are. Cycles are not counted: what a load
costs depends on a board's memory. docs/benchmarks.md has the table.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.arm_emulator import build_plugin
from benchmarks.provenance import provenance
from tformer_edge.command_line import guarded
from tformer_edge.errors import UserError
from tformer_edge.files import write_whole

KERNELS = ("reference", "cmsis_nn")
BOARDS = {"cortex-m3": "mps2-an385", "cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}
HERE = Path(__file__).parent
# The library's own for this target and BUILD_TYPE=release, which leaves texts out: what a check says is its exit code.
FLAGS = (
    "-O2 -DTF_LITE_STATIC_MEMORY -DTF_LITE_STRIP_ERROR_STRINGS -DNDEBUG -mcpu={core} -mthumb -mfloat-abi=soft "
    "-funsigned-char -fomit-frame-pointer -fno-threadsafe-statics --specs=rdimon.specs"
)
COUNT = re.compile(r"constexpr int kGoldenCount = (\d+);")


@dataclass(frozen=True)
class Counted:
    """A firmware on a core. `equal`: golden vectors, all of them to the bit. `flash`: bytes of code and constants."""

    firmware: str
    core: str
    kernels: str
    instructions: int
    flash: int
    equal: int


def measure(firmware: Path, tree: Path, core: str, kernels: str) -> Counted:
    """Builds and runs one folder of `tformer micro`.

    Raises:
        UserError: it is no such folder, has fewer than two golden vectors, the library is missing, the check fails.
    """
    header = firmware / "golden_vectors.h"
    found = COUNT.search(header.read_text()) if header.is_file() else None
    if found is None or int(found[1]) < 2:
        raise UserError(
            "a folder of `tformer micro` with two golden vectors or more",
            "none" if found is None else found[1],
            "give one",
            where=str(firmware),
        )
    whole = int(found[1])
    totals = {}
    with tempfile.TemporaryDirectory() as temporary:
        plugin = build_plugin(Path(temporary))
        for count in (1, whole):
            copy = Path(temporary) / str(count)
            shutil.copytree(firmware, copy)
            for name in (header.name, "golden_vectors.cc"):
                text = COUNT.sub(f"constexpr int kGoldenCount = {count};", (copy / name).read_text())
                (copy / name).write_text(text.replace("kGolden[kGoldenCount]", "kGolden[]"))
            _build(copy, tree, core, kernels)
            totals[count] = run(copy / "golden_check", core, plugin)
        flash = _flash(Path(temporary) / "1" / "golden_check")
    return Counted(firmware.name, core, kernels, (totals[whole] - totals[1]) // (whole - 1), flash, whole)


def library_of(tree: Path, core: str, kernels: str) -> Path:
    """Where TFLite Micro's Makefile leaves its library. Raises UserError where there is none."""
    optimised = "" if kernels == "reference" else f"{kernels}_"
    path = tree / f"gen/cortex_m_qemu_{core}_release_{optimised}gcc/lib/libtensorflow-microlite.a"
    if not path.is_file():
        raise UserError(
            f"TFLite Micro built for {core} with {kernels} kernels", f"no {path}", "build it, see --help"
        )
    return path


def _build(folder: Path, tree: Path, core: str, kernels: str) -> None:
    own = f"-T {HERE / 'cortex_m_board.ld'} {HERE / 'cortex_m_start.cc'}"
    command = [
        *("make", "-s", "-C", str(folder), "golden_check", "CXX=arm-none-eabi-g++", f"TFLM_DIR={tree}"),
        *(f"TFLM_LIBRARY={library_of(tree, core, kernels)}", f"CXXFLAGS={FLAGS.format(core=core)} {own}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(
            "sources that build", done.stderr[-1500:], "see the compiler's words", where=str(folder)
        )


def _flash(program: Path) -> int:
    """What Debian's arm-none-eabi-size counts as text and data."""
    said = subprocess.run(
        ["arm-none-eabi-size", str(program)], capture_output=True, text=True, check=True
    ).stdout
    text, data, *_ = said.splitlines()[1].split()
    return int(text) + int(data)


def run(program: Path, core: str, plugin: Path) -> int:
    """Instructions until the check ends. Raises UserError where a golden output differs."""
    command = [
        *("qemu-system-arm", "-M", BOARDS[core], "-nographic", "-monitor", "none", "-serial", "none"),
        *("-semihosting-config", "enable=on,target=native", "-plugin", str(plugin), "-kernel", str(program)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    said = done.stdout + done.stderr
    count = re.search(r"^EXIT (\d+)$", said, re.MULTILINE)
    if done.returncode or count is None:
        raise UserError(
            "golden outputs equal to the bit",
            f"exit code {done.returncode} {said[-500:]}",
            "look at the kernels",
        )
    return int(count[1])


def table(rows: Sequence[Counted]) -> str:
    """Markdown."""
    lines = [
        "| firmware | core | kernels | instructions, M | flash, bytes | golden |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one.firmware} | {one.core} | {one.kernels} | {one.instructions / 1e6:.2f} | {one.flash:,} "
        f"| {one.equal} of {one.equal} |"
        for one in rows
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measures each folder on each core with each kind of kernels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("firmware", nargs="+", type=Path, help="folders of `tformer micro`")
    parser.add_argument("--tflm", type=Path, required=True, help="the tree, with its libraries built")
    parser.add_argument("--core", nargs="+", choices=BOARDS, default=["cortex-m4"])
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, default=["reference"])
    parser.add_argument("--json", type=Path, help="write all figures here")
    args = parser.parse_args(argv)

    def work() -> int:
        for tool, package in (
            ("arm-none-eabi-g++", "gcc-arm-none-eabi"),
            ("qemu-system-arm", "qemu-system-arm"),
        ):
            if shutil.which(tool) is None:
                raise UserError(tool, "none", f"apt-get install {package}")
        rows = [
            measure(firmware, args.tflm.resolve(), core, kernels)
            for firmware in args.firmware
            for core in args.core
            for kernels in args.kernels
        ]
        print(table(rows))
        if args.json:
            made = {"made": provenance(), "rows": [asdict(row) for row in rows]}
            write_whole(args.json, (json.dumps(made, indent=1) + "\n").encode())
        return 0

    return guarded("cortex_m", work)


if __name__ == "__main__":
    sys.exit(main())

"""Instructions an inference on emulated Arm cores: a Raspberry Pi's work, measured where there is none.

User-mode QEMU runs LiteRT for arm64 (tools/pi_sysroot.sh), and a plugin (icount.c) counts the instructions between
marks around each inference. No other process disturbs the count, and it hardly varies. It is work, not time: compare
models by it, on one core. A72 is a Raspberry Pi 4's core, A76 a Pi 5's, which has int8 dot products.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.comparison import Key, as_document, hold_against_goals, summarise, write_results
from benchmarks.peers import add_model_arguments, chosen_files, label_of, names_of, ours_of
from benchmarks.provenance import ROOT, provenance
from benchmarks.tables import print_tables
from benchmarks.task_latency import ANSWER, tables_of
from tformer_edge.errors import UserError

EPILOG = """examples:
  python benchmarks/arm_instructions.py                         the int8 files of every model, both cores
  python benchmarks/arm_instructions.py --only tformer_s resnet18 --cores cortex-a76
  python benchmarks/arm_instructions.py --tasks                 detectors and segmenters, and their answers; --size 512
  python benchmarks/arm_instructions.py --paper 5               the models of the paper's Table 5, 6 or 7
  python benchmarks/arm_instructions.py --files a.tflite b.tflite     any files, beside TFormer-S
It needs Debian's qemu-user and gcc: apt-get install qemu-user gcc
"""
CORES = ("cortex-a72", "cortex-a76")  # "max" computes wrong int8 results under QEMU 7.2
SYSROOT = ROOT / "build" / "pi-sysroot"
HERE = Path(__file__).resolve().parent


def require(command: str, package: str) -> str:
    """The path of a command.

    Raises:
        UserError: where it is not installed, with what installs it.
    """
    path = shutil.which(command)
    if path is None:
        raise UserError(
            f"the command {command}", "none", f"apt-get install {package}", where="Arm instructions"
        )
    return path


def build_plugin(folder: Path) -> Path:
    """Compiles icount.c into `folder`."""
    plugin = folder / "icount.so"
    command = [require("gcc", "gcc"), "-shared", "-fPIC", "-O2", "-o", str(plugin), str(HERE / "icount.c")]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(
            "gcc to compile benchmarks/icount.c", done.stderr.strip()[-500:], "install what it misses"
        )
    return plugin


def count_marks(core: str, plugin: Path, sysroot: Path | None, program: list[str]) -> list[int]:
    """Instructions between the marks that a program for arm64 sets, see icount.c.

    Args:
        core: as `qemu-aarch64 -cpu` names it.
        plugin: from `build_plugin`.
        sysroot: the folder where QEMU looks up absolute paths; None for a program that needs no library.
        program: the program's path and its arguments.

    Raises:
        UserError: where QEMU is not installed, or the program failed or set fewer than two marks.
    """
    command, environment = emulated(core, plugin, sysroot, program)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    marks = [int(number) for number in re.findall(r"^MARK (\d+)$", done.stderr, re.M)]
    if done.returncode or len(marks) < 2:
        said = done.stderr.strip()[-500:] or "nothing"
        raise UserError(
            f"a program that runs on {core}",
            f"{said} of {' '.join(program[1:]) or program[0]}",
            "take QEMU 7.2, which was tried",
        )
    return [after - before for before, after in itertools.pairwise(marks)]


def emulated(
    core: str, plugin: Path, sysroot: Path | None, program: list[str]
) -> tuple[list[str], dict[str, str]]:
    """The command that runs a program for arm64 under the plugin, and its environment; see `count_marks`."""
    qemu = [require("qemu-aarch64", "qemu-user"), "-cpu", core, "-plugin", str(plugin)]
    qemu += [] if sysroot is None else ["-L", str(sysroot)]
    # Python's hashes decide how long its start takes; LiteRT must not see the host's thread settings.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return [*qemu, *program], environment


def count_file(
    core: str, plugin: Path, sysroot: Path, file: Path, runs: int, answer: bool = False
) -> np.ndarray:
    """Millions of instructions of `runs` inferences of a .tflite file, or of their answers: `(1, runs)`."""
    program = [
        guest_python(sysroot),
        str(HERE / "arm_guest.py"),
        str(file),
        str(runs),
        *(["answer"] if answer else []),
    ]
    return np.array([count_marks(core, plugin, sysroot, program)]) / 1e6


def guest_python(sysroot: Path) -> str:
    """The path of the sysroot's Python."""
    return str(sysroot / "usr" / "bin" / "python3.11")


def make_sysroot(folder: Path) -> None:
    """Runs tools/pi_sysroot.sh, which does nothing where the folder is ready."""
    require("qemu-aarch64", "qemu-user")
    done = subprocess.run([str(ROOT / "tools" / "pi_sysroot.sh"), str(folder)])
    if done.returncode:
        raise UserError(f"tools/pi_sysroot.sh to make {folder}", "its message above", "mend what it says")


def main() -> int:
    """Counts and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model_arguments(parser, ("int8",))
    parser.add_argument("--cores", nargs="+", choices=CORES, default=list(CORES), help="default: both")
    parser.add_argument(
        "--runs", type=int, default=2, help="counted inferences after a first one (default 2)"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="emulators at a time (default 1); changes no count"
    )
    parser.add_argument(
        "--sysroot", type=Path, default=SYSROOT, help="default: build/pi-sysroot, made if missing"
    )
    parser.add_argument("--json", action="store_true", help="print JSON to standard output")
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write arm_instructions.csv, .json, .png there"
    )
    args = parser.parse_args()
    try:
        return _run(args)
    except UserError as error:
        print(f"benchmarks/arm_instructions.py: {error}", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    if min(args.runs, args.jobs) < 1:
        raise UserError("numbers of at least 1", "less", "take others", where="--runs and --jobs")
    make_sysroot(args.sysroot)
    files = chosen_files(names_of(args), args.kinds, args.files)
    if args.tasks:
        files.update({(name, ANSWER): path for (name, _), path in files.items()})
    made = provenance(qemu=_qemu_version())
    samples: dict[str, dict[Key, np.ndarray]] = {core: {} for core in args.cores}
    with tempfile.TemporaryDirectory() as folder:
        plugin = build_plugin(Path(folder))

        def count(core: str, key: Key) -> np.ndarray:
            values = count_file(core, plugin, args.sysroot, files[key], args.runs, key[1] == ANSWER)
            print(f"{core} {' '.join(key)}: {np.median(values):.2f} M", file=sys.stderr, flush=True)
            return values

        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            pending = {(core, key): pool.submit(count, core, key) for core in args.cores for key in files}
            for (core, key), result in pending.items():
                samples[core][key] = result.result()

    def describe(key: Key) -> Mapping[str, Any]:
        return {"label": label_of(key[0]), "bytes": files[key].stat().st_size, "partitions": None}

    rows, goals = [], []
    for core, counts in samples.items():
        if args.tasks:
            for table in tables_of(files):
                members = {key: counts[key] for key in table.files}
                where = f"{core}, {table.title}"
                rows += summarise(
                    members, describe, platform=where, threads=1, unit="M instructions", ours=table.ours
                )
            continue
        rows += summarise(
            counts, describe, platform=core, threads=1, unit="M instructions", ours=ours_of(args)
        )
        goals += hold_against_goals(counts, platform=core, threads=1)
    if args.out:
        for path in write_results(args.out, "arm_instructions", rows, goals, made):
            print(path, file=sys.stderr)
    if args.json:
        print(json.dumps(as_document(rows, goals, made), indent=2, ensure_ascii=False))
    else:
        print_tables(rows, goals, made, "Instructions an inference")
    return 0


def _qemu_version() -> str:
    text = subprocess.run(
        [require("qemu-aarch64", "qemu-user"), "--version"], capture_output=True, text=True
    ).stdout
    return text.splitlines()[0] if text else "unknown"


if __name__ == "__main__":
    raise SystemExit(main())

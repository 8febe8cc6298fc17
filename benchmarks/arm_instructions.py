"""Instructions an inference on emulated Arm cores: a Raspberry Pi's work, measured where there is none.

User-mode QEMU runs LiteRT for arm64 (tools/pi_sysroot.sh), and a plugin (icount.c) counts the instructions between
marks around each inference. No other process disturbs the count, and it hardly varies. It is work, not time: compare
models by it, on one core. A72 is a Raspberry Pi 4's core, A76 a Pi 5's, which has int8 dot products.

With several threads each thread's instructions are counted, those that wait for others left out: the sum says what
sharing out costs, the longest thread what is left on a processor whose cores are free. Work is shared out as threads
wake, so that the longest varies by some hundredths.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.arm_emulator import (
    CORES,
    SYSROOT,
    build_plugin,
    count_marks,
    count_threads,
    guest_python,
    make_sysroot,
    require,
)
from benchmarks.comparison import Key, hold_against_goals, summarise
from benchmarks.peers import add_model_arguments, chosen_files, label_of, names_of, ours_of
from benchmarks.provenance import provenance
from benchmarks.tables import give_results
from benchmarks.task_latency import ANSWER, tables_of
from tformer_edge.errors import UserError

EPILOG = """examples:
  python benchmarks/arm_instructions.py                         the int8 files of every model, both cores
  python benchmarks/arm_instructions.py --only tformer_s resnet18 --cores cortex-a76
  python benchmarks/arm_instructions.py --tasks                 detectors and segmenters, and their answers; --size 512
  python benchmarks/arm_instructions.py --paper 5               the models of the paper's Table 5, 6 or 7
  python benchmarks/arm_instructions.py --files a.tflite b.tflite     any files, beside TFormer-S
  python benchmarks/arm_instructions.py --threads 1 4           four threads too: of all, and of the longest
It needs Debian's qemu-user and gcc: apt-get install qemu-user gcc
"""


def count_file(
    core: str, plugin: Path, sysroot: Path, file: Path, runs: int, threads: int = 1, answer: bool = False
) -> np.ndarray:
    """Millions of instructions of `runs` inferences of a .tflite file, or of their answers.

    Returns:
        `(2, runs)`: of all threads, and of the one that had most, waiting left out.
    """
    guest = [guest_python(sysroot), str(Path(__file__).with_name("arm_guest.py")), str(file), str(runs)]
    program = [*guest, str(threads), *(["answer"] if answer else [])]
    if threads == 1:
        counts = np.array(count_marks(core, plugin, sysroot, program))
        return np.stack([counts, counts]) / 1e6
    by_thread = np.array(count_threads(core, plugin, sysroot, program))
    return np.stack([by_thread.sum(axis=1), by_thread.max(axis=1)]) / 1e6


def main() -> int:
    """Counts and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model_arguments(parser, ("int8",))
    parser.add_argument(
        "--threads",
        nargs="+",
        type=int,
        default=[1],
        metavar="N",
        help="1 to 8 threads of LiteRT (default 1)",
    )
    parser.add_argument("--cores", nargs="+", choices=CORES, default=list(CORES), help="default: both")
    parser.add_argument(
        "--runs", type=int, default=2, help="counted inferences after a first one (default 2)"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="emulators at a time (default 1); changes no count of one thread"
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
    if not all(1 <= number <= 8 for number in args.threads):
        raise UserError("numbers of 1 to 8", str(args.threads), "take others", where="--threads")
    make_sysroot(args.sysroot)
    files = chosen_files(names_of(args), args.kinds, args.files)
    if args.tasks:
        files.update({(name, ANSWER): path for (name, _), path in files.items()})
    made = provenance(qemu=_qemu_version())

    def describe(key: Key) -> Mapping[str, Any]:
        return {"label": label_of(key[0]), "bytes": files[key].stat().st_size, "partitions": None}

    rows, goals = [], []
    for where, threads, counts in _count(args, files):
        if args.tasks:
            for table in tables_of(files):
                members = {key: counts[key] for key in table.files}
                titled = f"{where}, {table.title}"
                rows += summarise(
                    members,
                    describe,
                    platform=titled,
                    threads=threads,
                    unit="M instructions",
                    ours=table.ours,
                )
            continue
        rows += summarise(
            counts, describe, platform=where, threads=threads, unit="M instructions", ours=ours_of(args)
        )
        goals += hold_against_goals(counts, platform=where, threads=threads)
    give_results(
        rows,
        goals,
        made,
        title="Instructions an inference",
        name="arm_instructions",
        out=args.out,
        as_json=args.json,
    )
    return 0


def _count(
    args: argparse.Namespace, files: Mapping[Key, Path]
) -> Iterator[tuple[str, int, dict[Key, np.ndarray]]]:
    """For each core and number of threads what was counted, number of threads, counts `(1, runs)` of each file."""
    with tempfile.TemporaryDirectory() as folder:
        plugin = build_plugin(Path(folder))

        def count(core: str, threads: int, key: Key) -> np.ndarray:
            answer = key[1] == ANSWER  # found by one thread, whatever LiteRT has
            used = 1 if answer else threads
            values = count_file(core, plugin, args.sysroot, files[key], args.runs, used, answer)
            found = " / ".join(f"{value:.2f}" for value in np.median(values, axis=1)[: min(used, 2)])
            print(f"{core} {' '.join(key)}, {used} thread(s): {found} M", file=sys.stderr, flush=True)
            return values

        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            pending = {
                (core, threads): {key: pool.submit(count, core, threads, key) for key in files}
                for core in args.cores
                for threads in args.threads
            }
            for (core, threads), results in pending.items():
                counted = {key: result.result() for key, result in results.items()}
                whole = {key: values[:1] for key, values in counted.items()}
                yield core if threads == 1 else f"{core}, all threads", threads, whole
                if threads > 1:
                    longest = {key: values[1:] for key, values in counted.items()}
                    yield f"{core}, the longest thread", threads, longest


def _qemu_version() -> str:
    text = subprocess.run(
        [require("qemu-aarch64", "qemu-user"), "--version"], capture_output=True, text=True
    ).stdout
    return text.splitlines()[0] if text else "unknown"


if __name__ == "__main__":
    raise SystemExit(main())

"""Programs for arm64 under user-mode QEMU and icount.c, which counts their instructions."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path

from benchmarks.provenance import ROOT
from tformer_edge.errors import UserError

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
    """Instructions between the marks that a program of one thread for arm64 sets, see icount.c.

    Args:
        core: as `qemu-aarch64 -cpu` names it.
        plugin: from `build_plugin`.
        sysroot: the folder where QEMU looks up absolute paths; None for a program that needs no library.
        program: the program's path and its arguments.

    Raises:
        UserError: where QEMU is not installed, or the program failed or set fewer than two marks.
    """
    return [counts[0] for counts in _between_marks(core, str(plugin), sysroot, program)]


def count_threads(core: str, plugin: Path, sysroot: Path | None, program: list[str]) -> list[list[int]]:
    """Instructions of each thread between the marks that one of them sets, without those that wait for others.

    How work is shared out depends on when threads wake, so that a thread's count varies by some hundredths.
    Arguments and errors: see `count_marks`.
    """
    return _between_marks(core, f"{plugin},threads=on", sysroot, program)


def count_to_mark(
    core: str, plugin: Path, sysroot: Path | None, program: list[str], given: bytes = b""
) -> int:
    """Instructions of a program of one thread from its start to the last mark that it sets; `given` is its input.

    Other arguments and errors: see `count_marks`; one mark is enough.
    """
    return _marks(core, str(plugin), sysroot, program, 1, given)[-1][0]


def _between_marks(core: str, plugin: str, sysroot: Path | None, program: list[str]) -> list[list[int]]:
    return [
        [after - before for before, after in zip(one, other, strict=True)]
        for one, other in itertools.pairwise(_marks(core, plugin, sysroot, program, 2))
    ]


def _marks(
    core: str, plugin: str, sysroot: Path | None, program: list[str], least: int, given: bytes = b""
) -> list[list[int]]:
    """What the plugin counted until each mark, of each thread that it tells apart."""
    command, environment = _emulated(core, plugin, sysroot, program)
    done = subprocess.run(command, env=environment, input=given, capture_output=True)
    said = done.stderr.decode(errors="replace")
    marks = [[int(n) for n in line.split()] for line in re.findall(r"^MARK ([\d ]+)$", said, re.M)]
    if done.returncode or len(marks) < least:
        raise UserError(
            f"a program that runs on {core}",
            f"{said.strip()[-500:] or 'nothing'} of {' '.join(program[1:]) or program[0]}",
            "take QEMU 7.2, which was tried",
        )
    return marks


def _emulated(
    core: str, plugin: str, sysroot: Path | None, program: list[str]
) -> tuple[list[str], dict[str, str]]:
    """The command that runs a program for arm64 under the plugin, its options behind it, and its environment; see
    `count_marks`."""
    qemu = [require("qemu-aarch64", "qemu-user"), "-cpu", core, "-plugin", plugin]
    qemu += [] if sysroot is None else ["-L", str(sysroot)]
    # Python's hashes decide how long its start takes; LiteRT must not see the host's thread settings.
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return [*qemu, *program], environment


def guest_python(sysroot: Path) -> str:
    """The path of the sysroot's Python."""
    return str(sysroot / "usr" / "bin" / "python3.11")


def make_sysroot(folder: Path) -> None:
    """Runs tools/pi_sysroot.sh, which does nothing where the folder is ready."""
    require("qemu-aarch64", "qemu-user")
    done = subprocess.run([str(ROOT / "tools" / "pi_sysroot.sh"), str(folder)])
    if done.returncode:
        raise UserError(f"tools/pi_sysroot.sh to make {folder}", "its message above", "mend what it says")

"""The instruction counter, on a program for arm64 that is written here word by word."""

import shutil
import struct
import sys

import pytest

from benchmarks import arm_instructions
from benchmarks.arm_emulator import CORES, build_plugin, count_marks, count_threads, count_to_mark
from benchmarks.arm_guest import MARK
from tformer_edge.errors import UserError

needs_qemu = pytest.mark.skipif(
    not (shutil.which("qemu-aarch64") and shutil.which("gcc")),
    reason="needs user-mode QEMU and a compiler: apt-get install qemu-user gcc libc6-dev",
)
SVC = 0xD4000001
ADDRESS = 0x400000


def move(register, value):
    """movz and movk: a number below 2³² into a register."""
    return [0xD2800000 | (value & 0xFFFF) << 5 | register, 0xF2A00000 | (value >> 16) << 5 | register]


def system_call(number, argument):
    return [*move(8, number), *move(0, argument), SVC]


def loop(turns):
    """Counts a register down to zero: two instructions to load it, two a turn."""
    return [*move(1, turns), 0xF1000421, 0x54FFFFE1]  # subs x1, x1, #1; b.ne back by one


def program(path, words):
    """A static ELF file of one segment whose code is `words`."""
    code = struct.pack(f"<{len(words)}I", *words)
    size = 64 + 56 + len(code)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, 183, 1, ADDRESS + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 7, 0, ADDRESS, ADDRESS, size, size, 0x1000)
    path.write_bytes(header + segment + code)
    path.chmod(0o755)
    return [str(path)]


@needs_qemu
@pytest.mark.parametrize("core", CORES)
def test_instructions_between_marks_are_counted_exactly(tmp_path, core):
    mark, leave = system_call(155, MARK), system_call(93, 0)
    words = [*loop(5), *mark, *loop(1000), *mark, *loop(70_000), *system_call(155, MARK + 1), *mark, *leave]
    counts = count_marks(core, build_plugin(tmp_path), None, program(tmp_path / "a", words))
    # Two to load the loop's register, two a turn, five for a system call; a call with another number is no mark.
    assert counts == [2 + 2000 + 5, 2 + 140_000 + 5 + 5]


@needs_qemu
def test_instructions_to_a_programs_only_mark_are_counted_exactly(tmp_path):
    read = [*move(8, 63), *move(0, 0), *move(1, ADDRESS + 120), *move(2, 8), SVC]  # read(0, this code, 8)
    stay = [0xF1000C1F, 0x54000000 | 5 << 5]  # cmp x0, #3; b.eq over a loop that would show in the count
    words = [*loop(1), *read, *stay, *loop(1000), *system_call(155, MARK), *system_call(93, 0)]
    counted = count_to_mark(
        "cortex-a72", build_plugin(tmp_path), None, program(tmp_path / "a", words), b"abc"
    )
    assert counted == 2 + 2 + 9 + 2 + 5


NOP, YIELD = 0xD503201F, 0xD503203F
APART = 16  # instructions: further from a YIELD than what counts as waiting


def waiting(flag):
    """Turns around a YIELD until there is something at an address, far from all else."""
    spin = [*move(3, flag), YIELD, 0xB9400062, 0x34FFFFC2]  # yield; ldr w2, [x3]; cbz w2, back to the yield
    return [0x14000000 | (APART + 1), *[NOP] * APART, *spin, 0x14000000 | (APART + 1), *[NOP] * APART]


@needs_qemu
@pytest.mark.parametrize("core", CORES)
def test_each_threads_instructions_are_counted_and_waiting_is_not(tmp_path, core):
    """Two threads by the kernel's own call: the second works and sets a flag, the first waits for it."""
    flag = ADDRESS + 120 + 4 * 400
    mark, leave = system_call(155, MARK), system_call(94, 0)
    threads = 0x50F00  # CLONE_VM, _FS, _FILES, _SIGHAND, _THREAD, _SYSVSEM
    clone = [
        *move(1, flag + 256),
        *[0xAA1F03E2 + register for register in range(3)],
        *system_call(220, threads),
    ]
    child = [*loop(30_000), *move(3, flag), *move(2, 1), 0xB9000062, *system_call(93, 0)]  # str w2, [x3]
    work = [*loop(200), *waiting(flag)]
    to_parent = [0xB5000000 | (len(child) + 1) << 5]  # cbnz x0: the clone's number, 0 in the child
    words = [*mark, *clone, *to_parent, *child, *work, *mark, *leave]
    words += [NOP] * (400 - len(words)) + [0] * 64
    (counts,) = count_threads(core, build_plugin(tmp_path), None, program(tmp_path / "a", words))
    ours = len(clone) + 1 + 2 + 400 + len(mark)  # and a jump to the loop that waits and one from it
    assert counts[1] == 1 + 2 + 60_000 + 5 + 5
    assert ours <= counts[0] <= ours + 2 and not any(counts[2:])


@needs_qemu
@pytest.mark.parametrize("code,marks", [(0, 1), (3, 2)])
def test_a_program_that_fails_or_sets_no_marks_is_an_error(tmp_path, code, marks):
    words = [*system_call(155, MARK) * marks, *system_call(93, code)]
    with pytest.raises(UserError, match="a program that runs on cortex-a72"):
        count_marks("cortex-a72", build_plugin(tmp_path), None, program(tmp_path / "a", words))


def test_missing_programs_are_named_with_what_installs_them(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["arm_instructions.py"])
    assert arm_instructions.main() == 2
    assert "the command qemu-aarch64, received none; apt-get install qemu-user" in capsys.readouterr().err

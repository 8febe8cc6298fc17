"""The kernel refuses AMX to a process that gave it up, and to nothing else."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import amx
from tformer_edge.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import ctypes, sys
sys.path.insert(0, {root!r})
from benchmarks.amx import refuse_amx
c = ctypes.CDLL(None, use_errno=True)
def ask(code):
    ctypes.set_errno(0)
    return c.syscall(158, code, 18), ctypes.get_errno()
refuse_amx()
print(ask(0x1023), ask(0x1022 + 0x100)[1] != 1)
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="AMX is a unit of x86-64 processors")
def test_the_kernel_refuses_the_permission_alone():
    program = PROGRAM.format(root=str(ROOT))
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert output.split(") ") == ["(-1, 1", "True\n"]


def test_elsewhere_it_is_a_sentence(monkeypatch):
    monkeypatch.setattr(amx.platform, "machine", lambda: "aarch64")
    with pytest.raises(UserError, match="expected Linux on x86-64"):
        amx.refuse_amx()

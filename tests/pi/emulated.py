"""Runs the emulated Raspberry Pi of tools/pi_sysroot.sh."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SYSROOT = ROOT / "build" / "pi-sysroot"


def guest(sysroot, core, *arguments):
    """Runs its Python, which may start itself again (a model's own process)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PI_CORE": core}
    command = [sysroot / "usr" / "bin" / "pi-python", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", timeout=500)

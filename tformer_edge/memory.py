"""Resident memory of a process."""

import contextlib
import os
import sys
from pathlib import Path


def peak_bytes(pid: int | str = "self") -> int | None:
    """The most that process `pid` has had resident, or None where the system does not say.

    Linux' VmHWM, which begins anew with each program; ru_maxrss of a child counts its parent as well. Elsewhere
    ru_maxrss, of this process alone.
    """
    found = status_bytes(pid, "VmHWM")
    if found is None and pid == "self":
        with contextlib.suppress(ImportError):
            import resource  # POSIX only

            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return peak if sys.platform == "darwin" else peak << 10
    return found


def total_bytes() -> int | None:
    """The memory of this machine, or None where the system does not say."""
    with contextlib.suppress(AttributeError, ValueError, OSError):  # not on Windows
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def status_bytes(pid: int | str, field: str) -> int | None:
    """A field of Linux' /proc/PID/status in bytes, such as "VmHWM"; None where there is none."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    values = [line.split()[1] for line in lines if line.startswith(f"{field}:")]
    return int(values[0]) << 10 if values else None

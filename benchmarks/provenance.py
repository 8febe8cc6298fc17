"""Where and of what a measurement was made: machine, versions, commit, date. Imports no training framework."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "ai-edge-litert",
    "numpy",
    "tensorflow",
    "keras",
    "tf-keras",
    "tensorflow-model-optimization",
)


def versions() -> dict[str, str]:
    """Python and the installed packages that a converted file or its speed depends on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def usable_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def processor() -> str:
    """The processor's name as Linux has it, else what Python knows, and how many of its cores this process may use."""
    try:
        names = re.findall(r"^(?:model name|Model)\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        names = []
    name = names[0].strip() if names else platform.processor() or "unknown processor"
    usable = len(usable_cores())
    return f"{name} ({platform.machine()}), {usable} of {os.cpu_count()} cores"


def commit() -> str:
    """The commit of this checkout, with "+changes" when files differ from it; "unknown" outside a repository."""
    try:
        git = ["git", "-C", str(ROOT)]
        head = subprocess.run(
            [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        )
        status = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+changes" if status.stdout.strip() else "")


def provenance(**more: str) -> dict[str, str]:
    """What stands beside every table, row of a CSV and picture: flat, all of it text.

    Args:
        more: what only this measurement knows, such as the emulated core.
    """
    return {
        "machine": processor(),
        "system": platform.platform(),
        "versions": " ".join(f"{name}={version}" for name, version in versions().items()),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%MZ"),
        **more,
    }

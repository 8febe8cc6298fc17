"""What the board says of itself: name, temperature, throttling, clock. Linux' sysfs, and a Raspberry Pi's firmware.

What a machine does not say is None or empty, never an error: few of these files exist off a Pi.
"""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

# Bits of the firmware's get_throttled (Raspberry Pi documentation, "vcgencmd").
NOW = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
SINCE_BOOT = 16  # the same four, this many bits further up


@dataclass(frozen=True)
class BoardState:
    """A moment.

    Attributes:
        celsius: {thermal zone: °C}.
        megahertz: {core: MHz} as the kernel's governor has set it.
        throttled: what the firmware does now, words of NOW; None where it does not say.
        throttled_since_boot: what it has done since the board started.
    """

    celsius: dict[str, float]
    megahertz: dict[str, float]
    throttled: list[str] | None
    throttled_since_boot: list[str] | None


def board_name(root: Path = Path("/")) -> str:
    """For example "Raspberry Pi 5 Model B Rev 1.0"; elsewhere the architecture."""
    name = _text(root / "proc/device-tree/model")
    return name.rstrip("\0") if name else platform.machine()


def board_state(root: Path = Path("/")) -> BoardState:
    """Now. `root` is where proc and sys are."""
    flags = _throttled(root)
    return BoardState(
        celsius=_temperatures(root),
        megahertz=_clocks(root),
        throttled=None if flags is None else _words(flags),
        throttled_since_boot=None if flags is None else _words(flags >> SINCE_BOOT),
    )


def _temperatures(root: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        value = _number(_text(zone / "temp"))
        if value is not None:
            name = _text(zone / "type") or zone.name
            found[name if name not in found else f"{name} {zone.name}"] = value / 1000
    return found


def _clocks(root: Path) -> dict[str, float]:
    found = {}
    for path in sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_cur_freq")):
        value = _number(_text(path))
        if value is not None:
            found[path.parts[-3]] = value / 1000
    return found


def _throttled(root: Path) -> int | None:
    """The firmware's flags, from the kernel, or from vcgencmd ("throttled=0x50005")."""
    text = _text(root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if text is None and (command := shutil.which("vcgencmd")):
        try:
            done = subprocess.run([command, "get_throttled"], capture_output=True, text=True, timeout=5)
        except (OSError, subprocess.TimeoutExpired):
            return None
        text = done.stdout.strip().removeprefix("throttled=")
    try:
        return None if text is None else int(text, 16)
    except ValueError:
        return None


def _words(flags: int) -> list[str]:
    return [word for bit, word in NOW.items() if flags >> bit & 1]


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _text(path: str | os.PathLike[str]) -> str | None:
    try:
        return Path(path).read_text("utf-8", "replace").strip()
    except OSError:  # a zone that is switched off cannot be read
        return None

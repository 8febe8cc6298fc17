"""What a board says of itself, from a folder that looks like a Raspberry Pi's /sys and /proc."""

import pytest

from tformer_edge.board import board_name, board_state

FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"


@pytest.fixture
def pi(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    files = {
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "sys/class/thermal/thermal_zone0/temp": "61850\n",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone1/temp": "-5000\n",
        "sys/class/thermal/thermal_zone1/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone2/temp": "no number",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2400000\n",
        "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1500000\n",
        "sys/devices/system/cpu/cpufreq/boost": "1\n",
        FIRMWARE: "50005\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_pi(pi):
    state = board_state(pi)
    assert board_name(pi) == "Raspberry Pi 5 Model B Rev 1.0"
    assert state.celsius == {"cpu-thermal": 61.85, "cpu-thermal thermal_zone1": -5}
    assert state.megahertz == {"cpu0": 2400, "cpu1": 1500}
    assert state.throttled == ["under-voltage", "throttled"]
    assert state.throttled_since_boot == ["under-voltage", "throttled"]


@pytest.mark.parametrize(
    ("answer", "now", "since"),
    [
        ("echo throttled=0x0", [], []),
        ("echo throttled=0xc0008", ["soft temperature limit"], ["throttled", "soft temperature limit"]),
        ("echo VCHI initialization failed", None, None),
        ("exit 1", None, None),
    ],
)
def test_vcgencmd_where_the_kernel_says_nothing(pi, answer, now, since):
    (pi / FIRMWARE).unlink()
    (pi / "bin").mkdir()
    (pi / "bin" / "vcgencmd").write_text(f"#!/bin/sh\n{answer}\n")
    (pi / "bin" / "vcgencmd").chmod(0o755)
    state = board_state(pi)
    assert (state.throttled, state.throttled_since_boot) == (now, since)


def test_a_machine_that_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    state = board_state(tmp_path)
    assert (state.celsius, state.megahertz, state.throttled, state.throttled_since_boot) == (
        {},
        {},
        None,
        None,
    )
    assert board_name(tmp_path)

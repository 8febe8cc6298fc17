"""Takes Intel's matrix unit (AMX) from this process, so that a server computes as a PC does.

XNNPACK uses AMX for int8 where the kernel grants it, and a process has to ask. No phone, Pi or PC has it, and it makes
matrix products about twice as fast while everything else stays, so it moves every ratio.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys

from tformer_edge.errors import UserError

# linux/prctl.h, linux/seccomp.h, linux/filter.h and asm/prctl.h
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_CALL_NUMBER, _FIRST_ARGUMENT = 0, 16
_ARCH_PRCTL, _REQUEST_PERMISSION = 158, 0x1023
_REFUSE, _ALLOW = 0x00050001, 0x7FFF0000  # with EPERM


def has_amx() -> bool:
    """Whether the processor has int8 AMX."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            return "amx_int8" in file.read()
    except OSError:
        return False


def refuse_amx() -> None:
    """Has the kernel refuse AMX to this process and its children from now on; call it before LiteRT is loaded.

    Raises:
        UserError: on anything but Linux on x86-64, or where the kernel does not let it.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise UserError(
            "Linux on x86-64, where that unit is", "another machine", "leave it out", where="--no-amx"
        )
    program = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (_LOAD, 0, 0, _CALL_NUMBER),
            (_JUMP_IF_EQUAL, 0, 3, _ARCH_PRCTL),
            (_LOAD, 0, 0, _FIRST_ARGUMENT),
            (_JUMP_IF_EQUAL, 0, 1, _REQUEST_PERMISSION),
            (_RETURN, 0, 0, _REFUSE),
            (_RETURN, 0, 0, _ALLOW),
        )
    )
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(instructions))
    c = ctypes.CDLL(None, use_errno=True)
    failed = c.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) or c.prctl(
        _SET_SECCOMP, _FILTER, ctypes.create_string_buffer(header, len(header)), 0, 0
    )
    if failed:
        raise UserError(
            "a kernel with seccomp filters", os.strerror(ctypes.get_errno()), "leave it out", where="--no-amx"
        )

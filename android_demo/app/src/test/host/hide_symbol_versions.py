"""Copies an ELF shared library of 64 bits with its tables of symbol versions hidden.

Android's libraries ask for versions such as LIBC of libc.so, which no library of glibc defines; without the tables the
loader binds symbols by name alone.

    python hide_symbol_versions.py IN.so OUT.so
"""

import struct
import sys
from pathlib import Path

PROGRAM_HEADERS_OFFSET, PROGRAM_HEADER_COUNT, PROGRAM_HEADER_BYTES = 32, 56, 56
PT_DYNAMIC = 2
# DT_VERSYM, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM
VERSION_TAGS = {0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF}
# In the range that is free for an operating system's own use, and that glibc skips.
SKIPPED_TAG = 0x6FFFFE00


def hide(library: bytearray) -> int:
    """Renames the version tags in the dynamic section, in place. Returns how many there were."""
    if library[:5] != b"\x7fELF\x02":
        sys.exit(
            "Expected a shared library of 64 bits, received another file; build the interpreter module again."
        )
    (headers,) = struct.unpack_from("<Q", library, PROGRAM_HEADERS_OFFSET)
    (count,) = struct.unpack_from("<H", library, PROGRAM_HEADER_COUNT)
    hidden = 0
    for index in range(count):
        header = struct.unpack_from("<IIQQQQ", library, headers + PROGRAM_HEADER_BYTES * index)
        kind, offset, size = header[0], header[2], header[5]
        if kind != PT_DYNAMIC:
            continue
        for entry in range(offset, offset + size, 16):
            if struct.unpack_from("<Q", library, entry)[0] in VERSION_TAGS:
                struct.pack_into("<Q", library, entry, SKIPPED_TAG)
                hidden += 1
    return hidden


if __name__ == "__main__":
    contents = bytearray(Path(sys.argv[1]).read_bytes())
    hide(contents)
    Path(sys.argv[2]).write_bytes(contents)

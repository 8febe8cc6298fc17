"""A zip writer that can be told to lie: the hand that makes the bad examples. Independent of tformer_edge.archive."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# Every field between signature and name, in the APPNOTE's order, with the value that the contract asks for.
ENTRY = {
    "needed": 10,
    "flags": 0,
    "method": 0,
    "time": 0,
    "date": 0x21,
    "crc": None,
    "packed": None,
    "size": None,
}
LENGTHS = {"name_length": None, "extra_length": None}
CENTRAL_TAIL = {"comment_length": None, "disk": 0, "internal": 0, "external": 0, "offset": None}
CODES = {
    **dict.fromkeys(("crc", "packed", "size", "external", "offset"), "I"),
    **dict.fromkeys(("directory_size", "directory_offset"), "I"),
}


@dataclass
class Lie:
    """One entry, and what its two headers say otherwise than the truth (`central`, `local`: field → value)."""

    name: bytes
    data: bytes
    central: Mapping[str, int] = field(default_factory=dict)
    local: Mapping[str, int] = field(default_factory=dict)
    local_name: bytes | None = None
    extra: bytes = b""
    comment: bytes = b""
    before: bytes = b""  # bytes in front of the local header


def seal(
    flatbuffer: bytes,
    entries: Sequence[Lie],
    *,
    order: Sequence[int] | None = None,
    before_directory: bytes = b"",
    before_end: bytes = b"",
    end: Mapping[str, int] | None = None,
    comment: bytes = b"",
) -> bytes:
    """`flatbuffer` and the zip of `entries`; `order` is that of the central directory."""
    data, headers = bytearray(flatbuffer), []
    for entry in entries:
        data += entry.before
        truth = {"crc": zlib.crc32(entry.data), "packed": len(entry.data), "size": len(entry.data)}
        truth |= {"name_length": len(entry.name), "extra_length": len(entry.extra), "offset": len(data)}
        truth |= {"comment_length": len(entry.comment)}
        name = entry.name if entry.local_name is None else entry.local_name
        data += _pack(b"PK\3\4", ENTRY | LENGTHS, truth | {"name_length": len(name)}, entry.local)
        data += name + entry.extra + entry.data
        headers.append(
            _pack(b"PK\1\2", {"made_by": 10} | ENTRY | LENGTHS | CENTRAL_TAIL, truth, entry.central)
            + (entry.name + entry.extra + entry.comment)
        )
    data += before_directory
    directory = b"".join(headers[index] for index in (order or range(len(headers))))
    truth = {"entries_here": len(headers), "entries": len(headers), "directory_size": len(directory)}
    truth |= {"directory_offset": len(data), "comment_length": len(comment)}
    data += directory + before_end
    fields = {"disk": 0, "directory_disk": 0} | dict.fromkeys(truth)
    return bytes(data) + _pack(b"PK\5\6", fields, truth, end or {}) + comment


def _pack(
    signature: bytes, fields: Mapping[str, int | None], truth: Mapping[str, int], lies: Mapping[str, int]
) -> bytes:
    values = {key: truth[key] if value is None else value for key, value in fields.items()} | dict(lies)
    assert set(values) == set(fields), "a lie about a field that is not there"
    return signature + struct.pack(
        "<" + "".join(CODES.get(key, "H") for key in fields), *(values[key] for key in fields)
    )

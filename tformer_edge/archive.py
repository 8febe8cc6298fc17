"""The zip behind a flatbuffer: one strict form, written here and read here (docs/contract.md, "The zip").

Zip libraries disagree about hostile files, and about a zip behind a prefix. This reader therefore accepts one byte
sequence for given names and contents and refuses every other: all that a header could say otherwise is fixed. It
is written from PKWARE's APPNOTE 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16; names in the tables are the APPNOTE's.
Offsets count from the start of the file, not of the zip: both open everywhere, but `unzip` warns of the other.
"""

import re
import struct
import zlib
from collections.abc import Iterable

from tformer_edge.refusal import Refusal

MAX_ENTRIES = 34
MAX_ENTRY_BYTES = 16 << 20
MAX_NAME_BYTES = 64

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)

# (field, struct code, its one value; None where the value is the entry's own).
Layout = tuple[tuple[str, str, int | None], ...]
_OF_AN_ENTRY: Layout = (
    ("version needed to extract", "H", 10),
    ("general purpose bit flag", "H", 0),
    ("compression method", "H", 0),
    ("last mod file time", "H", 0),
    ("last mod file date", "H", 0x0021),  # 1 January 1980
    ("crc-32", "I", None),
    ("compressed size", "I", None),
    ("uncompressed size", "I", None),
    ("file name length", "H", None),
    ("extra field length", "H", 0),
)
LOCAL: Layout = (("signature", "I", 0x04034B50), *_OF_AN_ENTRY)
CENTRAL: Layout = (
    ("signature", "I", 0x02014B50),
    ("version made by", "H", 10),
    *_OF_AN_ENTRY,
    ("file comment length", "H", 0),
    ("disk number start", "H", 0),
    ("internal file attributes", "H", 0),
    ("external file attributes", "I", 0),
    ("relative offset of local header", "I", None),
)
END: Layout = (
    ("signature", "I", 0x06054B50),
    ("number of this disk", "H", 0),
    ("number of the disk with the start of the central directory", "H", 0),
    ("total number of entries in the central directory on this disk", "H", None),
    ("total number of entries in the central directory", "H", None),
    ("size of the central directory", "I", None),
    ("offset of start of central directory", "I", None),
    (".ZIP file comment length", "H", 0),
)


def _format(layout: Layout) -> struct.Struct:
    return struct.Struct("<" + "".join(code for _, code, _ in layout))


_STRUCTS = {layout: _format(layout) for layout in (LOCAL, CENTRAL, END)}
LOCAL_BYTES, CENTRAL_BYTES, END_BYTES = (_STRUCTS[layout].size for layout in (LOCAL, CENTRAL, END))


def write_archive(start: int, entries: Iterable[tuple[str, bytes]]) -> bytes:
    """The zip of `entries`, (name, content) in this order, for a file in which it begins at byte `start`.

    The same arguments give the same bytes. Raises Refusal where `read_archive` would refuse the result.
    """
    body, directory = bytearray(), bytearray()
    names: list[str] = []
    for name, content in entries:
        _check_name(name, names)
        _check_size(name, len(content))
        names.append(name)
        own = (zlib.crc32(content), len(content), len(content), len(name))
        directory += _pack(CENTRAL, *own, start + len(body)) + name.encode("ascii")
        body += _pack(LOCAL, *own) + name.encode("ascii") + content
    _check_count(len(names))
    end = _pack(END, len(names), len(names), len(directory), start + len(body))
    return bytes(body + directory) + end


def read_archive(data: bytes, first: str) -> tuple[int, dict[str, bytes]] | None:
    """Splits `data`, a whole file, into the bytes before its zip and the zip's entries.

    Args:
        data: the file.
        first: the name of the zip's first entry, by which a damaged zip is told from none.

    Returns (where the zip begins, {name: content} in the zip's order), or None for a file without a zip: one
    that does not end with an end record and holds no local header of `first` anywhere. Raises Refusal for
    every file that is neither this nor exactly what `write_archive` appends.
    """
    at = len(data) - END_BYTES
    if at < 0 or data[at : at + 4] != struct.pack("<I", 0x06054B50):
        _refuse_remains(data, first)
        return None
    count, count_again, size, offset = _unpack(END, data, at, "zip-end-record", "the end record")
    _check_count(count)
    if count_again != count:
        raise Refusal(
            "zip-end-record", f"an end record that says {count} entries twice", f"{count_again} as well"
        )
    if offset + size != at:
        raise Refusal(
            "zip-directory",
            f"a central directory that ends where the end record begins, at byte {at}",
            f"one of {size} bytes at byte {offset}",
        )
    headers = _read_directory(data, offset, at, count)
    _check_layout(headers, offset)
    return headers[0][3], {header[0]: _read_entry(data, *header) for header in headers}


def _refuse_remains(data: bytes, first: str) -> None:
    """Refuses a file that was a zip once: cut short, or with bytes (or a comment) behind its end."""
    remains = re.search(rb"PK\x03\x04(?s:.{%d})" % (LOCAL_BYTES - 4) + re.escape(first.encode("ascii")), data)
    if remains:
        raise Refusal(
            "zip-damaged",
            "the zip's end record as the last 22 bytes of the file",
            f"a zip at byte {remains.start()} that is cut short or has bytes behind its end",
        )


def _read_directory(data: bytes, at: int, stop: int, count: int) -> list[tuple[str, int, int, int]]:
    """(name, CRC-32, size, offset) of each of `count` headers, which must fill `data` from `at` to `stop`."""
    headers: list[tuple[str, int, int, int]] = []
    names: list[str] = []
    for index in range(count):
        where = f"header {index} of the central directory"
        if at + CENTRAL_BYTES > stop:
            raise _directory_ends(count, index)
        crc, size, size_again, name_bytes, offset = _unpack(CENTRAL, data, at, "zip-central-header", where)
        at += CENTRAL_BYTES
        if at + name_bytes > stop:
            raise _directory_ends(count, index)
        name = data[at : at + name_bytes].decode("latin-1")
        _check_name(name, names)
        names.append(name)
        _check_size(name, size)
        if size_again != size:
            raise Refusal(
                "zip-central-header", f"{where} with two equal sizes", f"{size} and {size_again} bytes"
            )
        headers.append((name, crc, size, offset))
        at += name_bytes
    if at != stop:
        raise Refusal(
            "zip-directory",
            f"a central directory of {count} headers",
            f"{stop - at} bytes behind the last one",
        )
    return headers


def _directory_ends(count: int, index: int) -> Refusal:
    return Refusal(
        "zip-directory", f"a central directory of {count} headers", f"one that ends inside header {index}"
    )


def _check_layout(headers: list[tuple[str, int, int, int]], directory: int) -> None:
    """Entries touch: no gap, no overlap, none between the last one and the central directory."""
    expected = headers[0][3]
    for name, _, size, offset in headers:
        if offset != expected:
            raise Refusal(
                "zip-layout", f"{name} to begin at byte {expected}, where the one before it ends", f"{offset}"
            )
        expected += LOCAL_BYTES + len(name) + size
    if expected != directory:
        raise Refusal(
            "zip-layout", f"the central directory at byte {expected}, behind the last entry", f"{directory}"
        )


def _read_entry(data: bytes, name: str, crc: int, size: int, offset: int) -> bytes:
    own = _unpack(LOCAL, data, offset, "zip-local-header", f"the local header of {name}")
    stored = data[offset + LOCAL_BYTES : offset + LOCAL_BYTES + len(name)].decode("latin-1")
    if (*own, stored) != (crc, size, size, len(name), name):
        raise Refusal(
            "zip-local-header",
            f"the local header of {name} to say what the central directory says",
            "another",
        )
    at = offset + LOCAL_BYTES + len(name)
    content = data[at : at + size]
    if zlib.crc32(content) != crc:
        raise Refusal("zip-crc", f"{name} with CRC-32 {crc:08x}", f"{zlib.crc32(content):08x}")
    return content


def _pack(layout: Layout, *own: int) -> bytes:
    values = iter(own)
    return _STRUCTS[layout].pack(*(next(values) if fixed is None else fixed for _, _, fixed in layout))


def _unpack(layout: Layout, data: bytes, at: int, rule: str, where: str) -> list[int]:
    """The values of the fields that are an entry's own, once every other has been found as it must be."""
    own = []
    for (field, _, fixed), value in zip(layout, _STRUCTS[layout].unpack_from(data, at), strict=True):
        if fixed is None:
            own.append(value)
        elif value != fixed:
            raise Refusal(rule, f"{where} with {field} {fixed:#x}", f"{value:#x}")
    return own


def _check_name(name: str, before: list[str]) -> None:
    if len(name) > MAX_NAME_BYTES or not _NAME.fullmatch(name):
        raise Refusal(
            "zip-name",
            f"entry names of up to {MAX_NAME_BYTES} letters, digits and . _ - /, no part beginning with a dot",
            repr(name),
        )
    if name in before:
        raise Refusal("zip-duplicate", "every entry name once", f"{name} twice")


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_ENTRIES:
        raise Refusal("zip-entries", f"a zip of 1 to {MAX_ENTRIES} entries", f"{count}")


def _check_size(name: str, size: int) -> None:
    if size > MAX_ENTRY_BYTES:
        raise Refusal("zip-entry-size", f"{name} of up to {MAX_ENTRY_BYTES} bytes", f"{size}")

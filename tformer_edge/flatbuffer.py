"""Reads tables of a flatbuffer that nobody vouches for: every offset is checked, and the whole work is bounded.

A flatbuffer is made of tables that point at vectors, strings and other tables by offsets (https://flatbuffers.dev,
"Internals"). Many offsets may name one place, so a short file can describe endless reading; `Buffer` therefore counts
what it hands out and stops.
"""

import struct
from collections.abc import Iterator
from typing import Any

from tformer_edge.errors import UserError
from tformer_edge.printable import printable

# Far more than a model has: TFormer-S' 300 operators and 900 tensors are some ten thousand reads.
MAX_READS = 1_000_000
MAX_TEXT_BYTES = 1024


class FlatbufferError(UserError):
    """Bytes that are no flatbuffer of the expected kind."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "a flatbuffer for LiteRT",
            reason,
            "copy the file again, or make it again with converters/to_tflite.py",
        )


class Buffer:
    """The bytes of a flatbuffer, read only where there are some. Raises FlatbufferError for all else."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._reads = 0

    def root(self) -> "Table":
        """The table that the first four bytes point at."""
        return Table(self, self.uint32(0))

    def number(self, code: str, at: int) -> int:
        """The little-endian number of `struct` code `code` at byte `at`."""
        self.spend(1)
        size = struct.calcsize(code)
        if at < 0 or at + size > len(self.data):
            raise FlatbufferError(f"an offset to byte {at} in {len(self.data)} bytes")
        return int(struct.unpack_from(f"<{code}", self.data, at)[0])

    def spend(self, reads: int) -> None:
        """Counts `reads`, and stops where there are too many."""
        self._reads += reads
        if self._reads > MAX_READS:
            raise FlatbufferError(f"one that takes over {MAX_READS} reads")

    def uint32(self, at: int) -> int:
        return self.number("I", at)

    def follow(self, at: int) -> int:
        """Where the offset at byte `at` points. Offsets are unsigned and count from where they stand."""
        return at + self.uint32(at)

    def vector(self, at: int, item_bytes: int) -> tuple[int, int]:
        """(where its first item is, how many items) of the vector at byte `at`, whose end is in the file."""
        count = self.uint32(at)
        if at + 4 + count * item_bytes > len(self.data):
            raise FlatbufferError(
                f"a vector of {count} items at byte {at} that ends behind byte {len(self.data)}"
            )
        return at + 4, count


class Table:
    """One table. Fields are named by their number in the schema, from 0; a field that is not there has its default."""

    def __init__(self, buffer: Buffer, at: int) -> None:
        self._buffer = buffer
        self._at = at
        # The offset to the vtable is signed and counts backwards.
        self._fields = at - buffer.number("i", at)
        self._fields_bytes = buffer.number("H", self._fields)

    def number(self, field: int, code: str, default: int = 0) -> int:
        """A scalar of `struct` code `code`."""
        at = self._place(field)
        return default if at is None else self._buffer.number(code, at)

    def table(self, field: int) -> "Table | None":
        at = self._place(field)
        return None if at is None else Table(self._buffer, self._buffer.follow(at))

    def tables(self, field: int) -> Iterator["Table"]:
        """The tables of a vector of tables, as they are asked for."""
        start, count = self._vector(field, 4)
        for index in range(count):
            yield Table(self._buffer, self._buffer.follow(start + 4 * index))

    def numbers(self, field: int, code: str = "i") -> tuple[Any, ...]:
        """A vector of scalars of `struct` code `code`; each counts as one read."""
        start, count = self._vector(field, struct.calcsize(code))
        self._buffer.spend(count)
        return struct.unpack_from(f"<{count}{code}", self._buffer.data, start)

    def count(self, field: int, item_bytes: int) -> int:
        """How many items a vector has, without reading them."""
        return self._vector(field, item_bytes)[1]

    def text(self, field: int, limit: int = MAX_TEXT_BYTES) -> str:
        """A string of up to `limit` bytes; what is no UTF-8 is escaped, and what no terminal should see as well."""
        start, count = self._vector(field, 1)
        if count > limit:
            raise FlatbufferError(f"a name of {count} bytes")
        self._buffer.spend(count // 16)  # a million tables may share one name
        text = self._buffer.data[start : start + count].decode("utf-8", "backslashreplace")
        return printable(text)

    def _place(self, field: int) -> int | None:
        entry = 4 + 2 * field
        if entry + 2 > self._fields_bytes:
            return None
        offset = self._buffer.number("H", self._fields + entry)
        return self._at + offset if offset else None

    def _vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        at = self._place(field)
        return (0, 0) if at is None else self._buffer.vector(self._buffer.follow(at), item_bytes)

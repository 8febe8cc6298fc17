"""Damage and malice in bytes: what storage, networks and people with a hex editor do to a file."""

import random
import struct
from collections.abc import Callable

# At the edges of 8, 16 and 32 bits, signed and unsigned, and of the limits in docs/contract.md.
EDGES = (
    *(0, 1, 2, 22, 46, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000),
    *(16 << 20, (16 << 20) + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF),
)

Mutation = Callable[[bytearray, int, int, random.Random], None]


def mutate(data: bytes, start: int, end: int, draw: random.Random) -> bytes:
    """`data` with one to four mutations from byte `start` up to `end`; never equal to `data`."""
    while True:
        changed = bytearray(data)
        for _ in range(draw.choice((1, 1, 1, 2, 4))):
            stop = min(end + len(changed) - len(data), len(changed))
            draw.choice(MUTATIONS)(changed, min(start, stop), stop, draw)
        if changed != data:
            return bytes(changed)


def _flip(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 8)):
        if start < end:
            data[draw.randrange(start, end)] ^= 1 << draw.randrange(8)


def _overwrite(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    if start < end:
        data[draw.randrange(start, end)] = draw.randrange(256)


def _edge(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    code = draw.choice("BHHII")
    size = struct.calcsize(code)
    if end - start >= size:
        value = draw.choice((*EDGES, len(data), len(data) - 22, start, end)) & ((1 << 8 * size) - 1)
        # Fields are aligned to their own size more often than not.
        at = draw.randrange(start, end - size + 1)
        struct.pack_into(f"<{code}", data, max(start, at - at % draw.choice((1, size))), value)


def _add(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    if end - start >= 4:
        at = draw.randrange(start, end - 3)
        value = int.from_bytes(data[at : at + 4], "little") + draw.choice((-4, -1, 1, 4, 30, 46))
        struct.pack_into("<I", data, at, value % (1 << 32))


def _remove(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    at = draw.randint(start, end)
    del data[at : min(end, at + draw.choice((1, 2, 4, 16, 64)))]


def _insert(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    at = draw.randint(start, end)
    data[at:at] = draw.randbytes(draw.choice((1, 2, 4, 16, 64)))


def _repeat(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    at = draw.randint(start, end)
    data[at:at] = data[at : min(end, at + draw.choice((4, 46, 200)))] * draw.choice((1, 2, 50))


def _fill(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    at = draw.randint(start, end)
    stop = min(end, at + draw.choice((2, 8, 64)))
    data[at:stop] = bytes([draw.choice((0, 0xFF, 0x20))]) * max(0, stop - at)


def _cut(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    """The end of the file is lost, from here on."""
    del data[draw.randint(start, end) :]


def _copy(data: bytearray, start: int, end: int, draw: random.Random) -> None:
    """Bytes from elsewhere in the file stand here."""
    size = min(draw.choice((4, 22, 46)), end - start)
    if size > 0:
        source, target = draw.randrange(len(data) - size + 1), draw.randint(start, end - size)
        data[target : target + size] = data[source : source + size]


MUTATIONS: tuple[Mutation, ...] = (
    *(_flip, _overwrite, _edge, _edge, _add),
    *(_remove, _insert, _repeat, _fill, _cut, _copy),
)

"""One file made of another whose parts lie elsewhere: copies of the base's bytes and what lies between, packed by lzma.

Smaller capacities of a network have their kernels in common with the largest (`tformer train --nested`), in files of
another layout. Whoever applies such copies gets the target, whose SHA-256 they name, or an error.
Layout, little-endian: "TFC1", base SHA-256, target SHA-256, target bytes (u64), operations (u64), new bytes (u64),
packed bytes of four xz streams (4 × u64), then those: of each operation how many new bytes it begins with (u32), how
many it copies behind them (u32), and from where (i64), counted from where it would go on in the base had it skipped as
many bytes there as are new; and all new bytes.
"""

import hashlib
import itertools
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tformer_edge.update.equal_windows import equal_windows
from tformer_edge.update.packed_streams import corrupt, pack, unpack

MAGIC: Final = b"TFC1"
HEADER: Final = struct.Struct("<4s32s32s7Q")
# A copy of less does not pay for its numbers. An operation but the last one copies as many, at least.
LEAST: Final = 24


def make_copies(base: bytes, target: bytes) -> bytes:
    """What turns `base` into `target`; both may have any length, 0 as well."""
    new, copied, moved, rest = _operations(np.frombuffer(base, np.uint8), np.frombuffer(target, np.uint8))
    streams = [pack(new.tobytes()), pack(copied.tobytes()), pack(moved.tobytes()), pack(rest)]
    header = HEADER.pack(
        MAGIC,
        hashlib.sha256(base).digest(),
        hashlib.sha256(target).digest(),
        len(target),
        len(new),
        len(rest),
        *map(len, streams),
    )
    return header + b"".join(streams)


def apply_copies(base: bytes, copies: bytes, max_bytes: int) -> bytes:
    """The target of `copies`, whose SHA-256 has been checked.

    Args:
        base: the file that they were made from.
        max_bytes: the longest target that is accepted. Memory stays within about four times that and 32 MiB.

    Raises UpdateFailure, state CORRUPT, for another base, damaged or hostile copies, and a longer target.
    """
    if len(copies) < HEADER.size or copies[:4] != MAGIC:
        raise corrupt("copies of format 1", "other bytes")
    _, base_hash, target_hash, length, count, new_bytes, *sizes = HEADER.unpack_from(copies)
    if length > max_bytes or new_bytes > length or count > length // LEAST + 1:
        raise corrupt(
            f"copies to at most {max_bytes} bytes, of fewer operations than those", "larger numbers"
        )
    if sum(sizes) != len(copies) - HEADER.size:
        raise corrupt(f"{sum(sizes)} packed bytes", f"{len(copies) - HEADER.size}")
    if hashlib.sha256(base).digest() != base_hash:
        raise corrupt(f"the base {base_hash.hex()}", "another file")
    ends = np.cumsum([HEADER.size, *sizes]).tolist()
    lengths = (4 * count, 4 * count, 8 * count, new_bytes)
    packed = [copies[start:end] for start, end in itertools.pairwise(ends)]
    new, copied, moved, rest = (unpack(data, size) for data, size in zip(packed, lengths, strict=True))
    target = _followed(
        base,
        np.frombuffer(new, "<u4"),
        np.frombuffer(copied, "<u4"),
        np.frombuffer(moved, "<i8"),
        rest,
        length,
    )
    if hashlib.sha256(target).digest() != target_hash:
        raise corrupt(f"a target with SHA-256 {target_hash.hex()}", "other bytes")
    return target


def _followed(
    base: bytes,
    new: NDArray[np.uint32],
    copied: NDArray[np.uint32],
    moved: NDArray[np.int64],
    rest: bytes,
    length: int,
) -> bytes:
    """The target of operations, each of which is held to its bounds."""
    if int(new.sum(dtype=np.uint64)) != len(rest) or len(rest) + int(copied.sum(dtype=np.uint64)) != length:
        raise corrupt(f"operations that make {length} bytes", "others")
    parts: list[bytes] = []
    taken = place = 0
    for fresh, count, move in zip(new.tolist(), copied.tolist(), moved.tolist(), strict=True):
        parts.append(rest[taken : taken + fresh])
        taken += fresh
        place += fresh + move
        if not 0 <= place <= place + count <= max(len(base), place if not count else 0):
            raise corrupt("copies from within the base", "one from beyond it")
        parts.append(base[place : place + count])
        place += count
    return b"".join(parts)


def _operations(
    base: NDArray[np.uint8], target: NDArray[np.uint8]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.int64], bytes]:
    """(new bytes, copied bytes, move) of each operation, and the new bytes themselves."""
    places, sources = equal_windows(base, target)
    new, copied, moved, rest = [], [], [], []
    done = expected = shift = following = 0
    while following < len(places):
        place, source = int(places[following]), int(sources[following])
        best = _matched(base, target, source, place, done)
        along = place + shift  # the copy before it, gone on with behind what was new
        if 0 <= along < len(base) and along != source:
            best = max(best, _matched(base, target, along, place, done), key=lambda found: found[2])
        start, origin, count = best
        if count < LEAST:
            following += 1
            continue
        new.append(start - done)
        rest.append(target[done:start].tobytes())
        moved.append(origin - (expected + start - done))
        copied.append(count)
        done, expected = start + count, origin + count
        shift = origin - start
        following = int(np.searchsorted(places, done))
    if done < len(target):
        new.append(len(target) - done)
        rest.append(target[done:].tobytes())
        moved.append(-(expected + len(target) - done))
        copied.append(0)
    return np.array(new, "<u4"), np.array(copied, "<u4"), np.array(moved, "<i8"), b"".join(rest)


def _matched(
    base: NDArray[np.uint8], target: NDArray[np.uint8], source: int, place: int, least: int
) -> tuple[int, int, int]:
    """(start in the target, start in the base, bytes) of what is equal around two places, from `least` on."""
    back = min(place - least, source)
    before = _equal(base[source - back : source][::-1], target[place - back : place][::-1])
    behind = _equal(base[source:], target[place:])
    return place - before, source - before, before + behind


def _equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    """How many of the first bytes are equal."""
    most, start, step = min(len(one), len(other)), 0, 64
    while start < most:
        end = min(most, start + step)
        different = np.flatnonzero(one[start:end] != other[start:end])
        if len(different):
            return start + int(different[0])
        start, step = end, step * 4
    return most

"""The difference of two model files: the residual of aligned bytes, as gaps and values, packed by lzma.

A delta names its base and its target by SHA-256; whoever applies one gets the target or an error, never anything else.
The target lies over pieces of the base (`alignment.py`), since files of other lengths of names, labels or numbers
have the same weights at other places.
Layout, little-endian: "TFD3", base SHA-256, target SHA-256, target bytes (u64), pieces (u64), values (u64), far gaps
(u64), packed bytes of gaps, far gaps and values (3 × u64); then of each piece its bytes (u64) and where it begins in
the base (i64; bytes that the base does not have are zeros); then those xz streams.
"""

import hashlib
import itertools
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tformer_edge.update.alignment import Piece, find_pieces, moved
from tformer_edge.update.packed_streams import corrupt, pack, unpack

MAGIC: Final = b"TFD3"
HEADER: Final = struct.Struct("<4s32s32s7Q")
PIECE: Final = struct.Struct("<Qq")
# The base that every device has: a delta from nothing is a file packed.
NOTHING: Final = hashlib.sha256(b"").hexdigest()
_FAR: Final = 255


def make_delta(base: bytes, target: bytes) -> bytes:
    """The delta that turns `base` into `target`; both may have any length, 0 as well."""
    old, new = np.frombuffer(base, np.uint8), np.frombuffer(target, np.uint8)
    pieces = find_pieces(old, new)
    residual = new - _laid(old, pieces)  # mod 256
    places = np.flatnonzero(residual)
    gaps = np.diff(places, prepend=-1) - 1
    near = np.minimum(gaps, _FAR).astype(np.uint8)
    far = gaps[gaps >= _FAR].astype("<u8")
    streams = [pack(near.tobytes()), pack(far.tobytes()), pack(residual[places].tobytes())]
    header = HEADER.pack(
        MAGIC,
        hashlib.sha256(base).digest(),
        hashlib.sha256(target).digest(),
        len(target),
        len(pieces),
        len(places),
        len(far),
        *map(len, streams),
    )
    return b"".join([header, *(PIECE.pack(*piece) for piece in pieces), *streams])


def apply_delta(base: bytes, delta: bytes, max_bytes: int) -> bytes:
    """The target of `delta`, whose SHA-256 has been checked.

    Args:
        base: the file that the delta was made from.
        max_bytes: the longest target that is accepted. Memory stays within about ten times that and 32 MiB.

    Raises UpdateFailure, state CORRUPT, for another base, a damaged or hostile delta, and a longer target.
    """
    if len(delta) < HEADER.size or delta[:4] != MAGIC:
        raise corrupt("a delta of format 3", "other bytes")
    _, base_hash, target_hash, length, piece_count, count, far_count, *sizes = HEADER.unpack_from(delta)
    if length > max_bytes or count > length or far_count > min(count, length // _FAR):
        raise corrupt(f"a delta to at most {max_bytes} bytes with fewer values than those", "larger numbers")
    first = HEADER.size + PIECE.size * piece_count
    if first + sum(sizes) != len(delta):
        raise corrupt(f"{first + sum(sizes)} bytes of delta", f"{len(delta)}")
    pieces = list(PIECE.iter_unpack(delta[HEADER.size : first]))
    if sum(one for one, _ in pieces) != length:
        raise corrupt(f"pieces of {length} bytes", "others")
    if hashlib.sha256(base).digest() != base_hash:
        raise corrupt(f"the base {base_hash.hex()}", "another file")
    ends = list(itertools.accumulate(sizes, initial=first))
    lengths = (count, 8 * far_count, count)
    near, far, values = (
        np.frombuffer(unpack(delta[start:end], size), kind)
        for start, end, size, kind in zip(ends[:-1], ends[1:], lengths, ("u1", "<u8", "u1"), strict=True)
    )
    target = _changed(_laid(np.frombuffer(base, np.uint8), pieces), near, far, values).tobytes()
    if hashlib.sha256(target).digest() != target_hash:
        raise corrupt(f"the target {target_hash.hex()}", "another file")
    return target


def base_of(delta: bytes) -> str:
    """The SHA-256 of the file that a delta starts from, as hexadecimal digits. Raises UpdateFailure for no delta."""
    if len(delta) < HEADER.size or delta[:4] != MAGIC:
        raise corrupt("a delta of format 3", "other bytes")
    return str(HEADER.unpack_from(delta)[1].hex())


def _changed(
    base: NDArray[np.uint8], near: NDArray[np.uint8], far: NDArray[np.uint64], values: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    length = len(base)
    if np.count_nonzero(near == _FAR) != len(far) or (len(far) and far.max() >= length):
        raise corrupt("far gaps within the target, one for each that is announced", "others")
    steps = near.astype(np.int64)
    steps[near == _FAR] = far.astype(np.int64)
    # At most `length` steps of less than `length` each, and length < 2^31: no overflow.
    places = np.cumsum(steps + 1) - 1
    if len(places) and places[-1] >= length:
        raise corrupt("changes within the target", "one beyond its end")
    base[places] += values
    return base


def _laid(base: NDArray[np.uint8], pieces: list[Piece]) -> NDArray[np.uint8]:
    """The pieces of the base behind each other. A fresh array."""
    return np.concatenate([np.zeros(0, np.uint8), *(moved(base, length, start) for length, start in pieces)])

"""The difference of two model files: the residual of aligned bytes, as gaps and values, packed by lzma.

A delta names its base and its target by SHA-256; whoever applies one gets the target or an error, never anything else.
The target's first bytes are aligned with the base's first ones, its last with the base's last: files of another length
differ in one place, as a rule the contract's text, and what stands behind it is the same again.
Layout, little-endian: "TFD2", base SHA-256, target SHA-256, target bytes (u64), how many of them are aligned at the
front (u64), values (u64), far gaps (u64), packed bytes of gaps, far gaps and values (3 × u64), then those xz streams.
"""

import hashlib
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tformer_edge.update.packed_streams import corrupt, pack, unpack

MAGIC: Final = b"TFD2"
HEADER: Final = struct.Struct("<4s32s32s7Q")
_FAR: Final = 255


def make_delta(base: bytes, target: bytes) -> bytes:
    """The delta that turns `base` into `target`; both may have any length, 0 as well."""
    new = np.frombuffer(target, np.uint8)
    front = _best_front(base, new)
    old = _aligned(base, len(target), front)
    residual = new - old  # mod 256
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
        front,
        len(places),
        len(far),
        *map(len, streams),
    )
    return header + b"".join(streams)


def apply_delta(base: bytes, delta: bytes, max_bytes: int) -> bytes:
    """The target of `delta`, whose SHA-256 has been checked.

    Args:
        base: the file that the delta was made from.
        max_bytes: the longest target that is accepted. Memory stays within about ten times that and 32 MiB.

    Raises UpdateFailure, state CORRUPT, for another base, a damaged or hostile delta, and a longer target.
    """
    if len(delta) < HEADER.size or delta[:4] != MAGIC:
        raise corrupt("a delta of format 2", "other bytes")
    _, base_hash, target_hash, length, front, count, far_count, *sizes = HEADER.unpack_from(delta)
    too_many = max(front, count) > length or far_count > min(count, length // _FAR)
    if length > max_bytes or too_many:
        raise corrupt(f"a delta to at most {max_bytes} bytes with fewer values than those", "larger numbers")
    if sum(sizes) != len(delta) - HEADER.size:
        raise corrupt(f"{sum(sizes)} packed bytes", f"{len(delta) - HEADER.size}")
    if hashlib.sha256(base).digest() != base_hash:
        raise corrupt(f"the base {base_hash.hex()}", "another file")
    ends = np.cumsum([HEADER.size, *sizes]).tolist()
    lengths = (count, 8 * far_count, count)
    near, far, values = (
        np.frombuffer(unpack(delta[start:end], size), kind)
        for start, end, size, kind in zip(ends[:-1], ends[1:], lengths, ("u1", "<u8", "u1"), strict=True)
    )
    target = _moved(_aligned(base, length, front), near, far, values).tobytes()
    if hashlib.sha256(target).digest() != target_hash:
        raise corrupt(f"the target {target_hash.hex()}", "another file")
    return target


def base_of(delta: bytes) -> str:
    """The SHA-256 of the file that a delta starts from, as hexadecimal digits. Raises UpdateFailure for no delta."""
    if len(delta) < HEADER.size or delta[:4] != MAGIC:
        raise corrupt("a delta of format 2", "other bytes")
    return str(HEADER.unpack_from(delta)[1].hex())


def _moved(
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


def _aligned(base: bytes, length: int, front: int) -> NDArray[np.uint8]:
    """The base's first `front` bytes and its last ones, `length` in all; zeros where it has none. A fresh array."""
    given, result = np.frombuffer(base, np.uint8), np.zeros(length, np.uint8)
    first = given[:front]
    last = given[max(0, len(given) - (length - front)) :]
    result[: len(first)] = first
    result[length - len(last) :] = last
    return result


def _best_front(base: bytes, target: NDArray[np.uint8]) -> int:
    """How many bytes to align at the front, so that the fewest differ."""
    length = len(target)
    if len(base) == length:
        return length
    # Before a front of k bytes k of the first comparison count, behind it the rest of the second one.
    at_front = np.concatenate([[0], np.cumsum(_aligned(base, length, length) == target)])
    at_back = np.concatenate([[0], np.cumsum((_aligned(base, length, 0) == target)[::-1])])[::-1]
    return int(np.argmax(at_front + at_back))

"""Deltas without golden outputs: the device computes these, by the kernels that made them, and the signed hash judges.

The golden outputs of a detector or segmenter are maps of a hundred thousand numbers, nearly all of which an update
changes; its weights' delta is a third of theirs. They are what LiteRT's reference kernels give for the golden inputs,
on every machine the same bits. Where they are not, the file has another SHA-256 than the signed one, and the device
fetches another delta: the self-test loses nothing by it.
Layout, little-endian: "TFG1", bytes of the flatbuffer (u64), vectors (u64); of each vector where its input begins, its
bytes, where its output begins, its bytes (4 × u64); then a delta (`delta.py`) to the file with anything in the outputs'
places.
"""

import io
import struct
import zipfile
from typing import Final

import numpy as np

from tformer_edge.archive import LOCAL_BYTES, MAX_ENTRIES
from tformer_edge.contract import ModelFile, read_model_file
from tformer_edge.errors import UserError
from tformer_edge.golden_check import golden_bytes
from tformer_edge.process_runner import ProcessRunner
from tformer_edge.update.delta import apply_delta, make_delta
from tformer_edge.update.packed_streams import corrupt

MAGIC: Final = b"TFG1"
HEADER: Final = struct.Struct("<4s2Q")
VECTOR: Final = struct.Struct("<4Q")
# Of fewer bytes of golden outputs nothing is won.
LEAST: Final = 1024


def make_recomputed(base: bytes, target: bytes) -> bytes | None:
    """A delta from `base` to `target` without its golden outputs; None where they are few, or it is no model file."""
    try:
        file = read_model_file(target)
    except UserError:
        return None
    if sum(len(one.output) for one in file.golden) < LEAST:
        return None
    vectors = _vectors(target, file)
    outlined = bytearray(target)
    for (*_, start, length), old in zip(vectors, _old_outputs(base, file), strict=True):
        outlined[start : start + length] = old
    header = HEADER.pack(MAGIC, len(file.flatbuffer), len(vectors))
    return b"".join([header, *(VECTOR.pack(*one) for one in vectors), make_delta(base, bytes(outlined))])


def apply_recomputed(base: bytes, delta: bytes, max_bytes: int) -> bytes:
    """The file; the caller holds it against the SHA-256 that was signed.

    Args:
        base: the file that the delta was made from.
        max_bytes: the longest file that is accepted.

    Raises UpdateFailure, state CORRUPT, for another base, a damaged delta, and a model that does not run here.
    """
    if len(delta) < HEADER.size or delta[:4] != MAGIC:
        raise corrupt("a delta with outlined golden outputs", "other bytes")
    _, flatbuffer_bytes, count = HEADER.unpack_from(delta)
    first = HEADER.size + VECTOR.size * count
    if count > MAX_ENTRIES or first > len(delta):
        raise corrupt(f"at most {MAX_ENTRIES} vectors", f"{count}")
    vectors = list(VECTOR.iter_unpack(delta[HEADER.size : first]))
    file = bytearray(apply_delta(base, delta[first:], max_bytes))
    spans = [(0, flatbuffer_bytes), *(span for one in vectors for span in (one[:2], one[2:]))]
    if any(start + length > len(file) for start, length in spans):
        raise corrupt("vectors within the file", "one beyond its end")
    try:
        runner = ProcessRunner(bytes(file[:flatbuffer_bytes]), "reference", 1, False)
        try:
            for start, length, place, size in vectors:
                given = bytes(file[start : start + length])
                tensor = np.frombuffer(given, np.dtype(runner.input.type).newbyteorder("<"))
                outputs = runner.run(tensor.reshape(runner.input.shape).astype(runner.input.type))
                made = golden_bytes(outputs)
                if len(made) != size:
                    raise corrupt(f"{size} bytes of golden outputs", f"{len(made)}")
                file[place : place + size] = made
        finally:
            runner.close()
    except (UserError, ValueError) as error:
        raise corrupt("a model that runs here", f"'{' '.join(str(error).split())[:200]}'") from None
    return bytes(file)


def smallest_delta(base: bytes, target: bytes) -> int:
    """Bytes of the smallest delta that every device can apply."""
    recomputed = make_recomputed(base, target)
    plain = len(make_delta(base, target))
    return plain if recomputed is None else min(plain, len(recomputed))


def _vectors(data: bytes, file: ModelFile) -> list[tuple[int, int, int, int]]:
    """Where the golden inputs and outputs lie in a whole file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        # A header's own bytes and the name stand before the content (docs/contract.md, "The zip").
        starts = {
            one.filename: one.header_offset + LOCAL_BYTES + len(one.filename) for one in archive.infolist()
        }
    return [
        (starts[f"golden/{number}.in"], len(one.input), starts[f"golden/{number}.out"], len(one.output))
        for number, one in enumerate(file.golden)
    ]


def _old_outputs(base: bytes, file: ModelFile) -> list[bytes]:
    """What to put in the outputs' places: the base's own outputs, which a delta takes over for nothing, or zeros."""
    try:
        old = [one.output for one in read_model_file(base).golden]
    except UserError:
        old = []
    if [len(one) for one in old] != [len(one.output) for one in file.golden]:
        return [bytes(len(one.output)) for one in file.golden]
    return old

"""Streams of bytes as xz packs them, unpacked within bounds; and the sentence with which a delta is refused."""

import lzma
from typing import Final

from tformer_edge.update.update_state import UpdateFailure, UpdateState

# What lzma may take to unpack a stream: a preset-9 dictionary is 64 MiB; a delta here asks for 8 MiB.
MEMORY_LIMIT: Final = 24 << 20
_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 8 << 20, "lc": 3, "lp": 0, "pb": 0}]


def pack(data: bytes) -> bytes:
    """An xz stream."""
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_NONE, filters=_FILTERS)


def unpack(data: bytes, size: int) -> bytes:
    """Exactly `size` bytes; a bomb is stopped one byte behind them."""
    try:
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, MEMORY_LIMIT)
        found = unpacker.decompress(data, size + 1)
        # The end mark of a stream of exactly `size` bytes may still wait to be read.
        if not unpacker.eof and not unpacker.needs_input:
            found += unpacker.decompress(b"", 1)
    except (lzma.LZMAError, EOFError, MemoryError) as error:
        raise corrupt("packed streams of xz", f"'{error}'") from None
    if len(found) != size or not unpacker.eof or unpacker.unused_data:
        raise corrupt(f"a stream of {size} bytes", "another length")
    return found


def corrupt(expected: str, received: str) -> UpdateFailure:
    """The refusal of a delta, state CORRUPT."""
    return UpdateFailure(
        UpdateState.CORRUPT, f"delta: expected {expected}, received {received}; fetch the whole file"
    )

"""Several capacities of a network in one file: the largest whole, each other one as what makes it of that one.

One file is one release: it has one signature, one delta from the release before, and one slot of the store, so that a
device has all capacities of a release or none. Layout: the largest model file from the first byte on; what makes the
others, in their order; JSON; its length (u64, little-endian) and "TFBUNDL1". The JSON has `format` 1, and `capacities`,
the largest first, each with `name`, `codec` ("" for whole, "copies", see copies.py), `stored`, the bytes that it takes
here, `length` and `sha256` of the file that comes of it.
"""

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tformer_edge.errors import UserError
from tformer_edge.refusal import Refusal
from tformer_edge.strict_json import MAX_BYTES, parse_object
from tformer_edge.update.copies import apply_copies, make_copies
from tformer_edge.update.update_state import UpdateFailure, UpdateState

MAGIC: Final = b"TFBUNDL1"
END: Final = struct.Struct("<Q8s")
MAX_CAPACITIES: Final = 16
MAX_FILE_BYTES: Final = 1 << 30
# What a caller asks for without a name.
BEST, FASTEST = "best", "fastest"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Capacity:
    """A model of a bundle: what it is called, where its bytes lie, and the file that comes of them."""

    name: str
    codec: str
    start: int
    stored: int
    length: int
    sha256: str


class Bundle:
    """A bundle, or a model file, which is a bundle of one capacity without a name; `capacities` are the largest first.

    Raises UpdateFailure, state CORRUPT, for bytes that end as a bundle does and are none.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.capacities = _read(data) if is_bundle(data) else (_whole(data),)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the capacities."""
        return tuple(capacity.name for capacity in self.capacities)

    def file(self, name: str) -> bytes:
        """The model file of a capacity, whose SHA-256 has been checked.

        Args:
            name: of the capacity, "best" for the largest or "fastest" for the smallest.

        Raises UserError for another name; UpdateFailure, state CORRUPT, where the bytes are others than were bundled.
        """
        capacity = self.capacity(name)
        part = self._data[capacity.start : capacity.start + capacity.stored]
        data = part if not capacity.codec else apply_copies(self.file(BEST), part, capacity.length)
        if len(data) != capacity.length or hashlib.sha256(data).hexdigest() != capacity.sha256:
            raise _corrupt(f"{capacity.name} with SHA-256 {capacity.sha256}", "other bytes")
        return data

    def capacity(self, name: str) -> Capacity:
        """The capacity that a name, "best" or "fastest" means. Raises UserError where none does."""
        for capacity in self.capacities:
            if capacity.name and capacity.name == name:
                return capacity
        if name in (BEST, FASTEST):
            return self.capacities[0 if name == BEST else -1]
        known = ", ".join([*filter(None, self.names), BEST, FASTEST])
        raise UserError(f"one of {known}", repr(name), "give one of these", where="capacity")

    def files(self) -> dict[str, bytes]:
        """All model files by name."""
        return {capacity.name: self.file(capacity.name or BEST) for capacity in self.capacities}


def is_bundle(data: bytes) -> bool:
    """Whether a file ends as a bundle does."""
    return data.endswith(MAGIC)


def make_bundle(files: Mapping[str, bytes]) -> bytes:
    """The bundle of model files by name, the largest first.

    Raises UserError for no file or too many, a name that is none, or a file that could be taken for a bundle.
    """
    if not 1 <= len(files) <= MAX_CAPACITIES:
        raise UserError(f"1 to {MAX_CAPACITIES} model files", str(len(files)), "give others")
    parts: list[bytes] = []
    capacities: list[dict[str, Any]] = []
    for name, data in files.items():
        if not _NAME.fullmatch(name) or name in (BEST, FASTEST):
            raise UserError(
                "a name of letters, digits and . _ -, not best or fastest", repr(name), "choose another"
            )
        if is_bundle(data) or not data:
            raise UserError("a model file", "a bundle, or nothing", "give each model's own file", where=name)
        copies = make_copies(parts[0], data) if parts else data
        codec, part = ("copies", copies) if parts and len(copies) < len(data) else ("", data)
        parts.append(part)
        sha256 = hashlib.sha256(data).hexdigest()
        described = {"name": name, "codec": codec, "stored": len(part), "length": len(data), "sha256": sha256}
        capacities.append(described)
    text = json.dumps({"format": 1, "capacities": capacities}, sort_keys=True).encode()
    return b"".join([*parts, text, END.pack(len(text), MAGIC)])


def _whole(data: bytes) -> Capacity:
    return Capacity("", "", 0, len(data), len(data), hashlib.sha256(data).hexdigest())


def _read(data: bytes) -> tuple[Capacity, ...]:
    if len(data) < END.size:
        raise _corrupt(f"{END.size} bytes or more", f"{len(data)}")
    size, _ = END.unpack_from(data, len(data) - END.size)
    before = len(data) - END.size - size
    if size > MAX_BYTES or before < 0:
        raise _corrupt(f"a description of at most {MAX_BYTES} bytes", f"one of {size}")
    try:
        described = parse_object(data[before : before + size])
    except Refusal as refusal:
        raise _corrupt(refusal.expected, refusal.received) from None
    if type(described.get("format")) is not int or described["format"] != 1:
        raise _corrupt("a bundle of format 1", repr(described.get("format"))[:40])
    given = described.get("capacities")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_CAPACITIES:
        raise _corrupt(f"1 to {MAX_CAPACITIES} capacities", "others")
    capacities: list[Capacity] = []
    start = 0
    for one in given:
        capacity = _capacity(one, start, first=not capacities)
        if capacity.name in (known.name for known in capacities):
            raise _corrupt("every name once", repr(capacity.name))
        capacities.append(capacity)
        start += capacity.stored
    if start != before:
        raise _corrupt(f"capacities of {before} bytes", f"{start}")
    return tuple(capacities)


def _capacity(given: Any, start: int, first: bool) -> Capacity:
    if not isinstance(given, dict):
        raise _corrupt("an object for each capacity", "something else")
    name, codec, sha256 = given.get("name"), given.get("codec"), given.get("sha256")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in (BEST, FASTEST):
        raise _corrupt("a name of letters, digits and . _ -", repr(name)[:80])
    if not isinstance(codec, str) or codec not in (("",) if first else ("", "copies")):
        raise _corrupt(f"{name} whole" if first else f"{name} whole or as copies", repr(codec)[:40])
    sizes = [given.get("stored"), given.get("length")]
    if any(type(size) is not int or not 1 <= size <= MAX_FILE_BYTES for size in sizes):
        raise _corrupt(f"1 to {MAX_FILE_BYTES} bytes for {name}", "others")
    stored, length = (int(size) for size in sizes if isinstance(size, int))
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise _corrupt(f"a SHA-256 of {name}", "another text")
    return Capacity(name, codec, start, stored, length, sha256)


def _corrupt(expected: str, received: str) -> UpdateFailure:
    return UpdateFailure(
        UpdateState.CORRUPT, f"bundle: expected {expected}, received {received}; fetch the release again"
    )

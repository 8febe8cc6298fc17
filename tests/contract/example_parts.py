"""The parts of the good example file, and ways to spoil one of them."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from raw_zip import Lie, seal

from tformer_edge.contract import Golden, describe
from tformer_edge.preprocessing import Preprocessing

FLATBUFFER = b"\x1c\0\0\0TFL3" + bytes(range(100, 116))
LABELS = ("cat", "dog")
IMAGE = Preprocessing((2, 2), "shorter", 0.875)
GOLDEN = (Golden("noise", bytes(range(244, 256)), b"\x7f\x80", 1),)
COMPACT = json.JSONEncoder(separators=(",", ":")).encode
FACTS: dict[str, Any] = {"name": "tiny", "versions": {"made by": "make_examples.py"}}

Document = dict[str, Any]
Examples = dict[str, tuple[bytes, str | None, str]]  # file name -> (bytes, broken rule or None, what it is)


def parts() -> list[Lie]:
    """The entries of the good file, to be spoilt."""
    contract = describe(FLATBUFFER, LABELS, GOLDEN, image=IMAGE, **FACTS)
    return [
        Lie(b"model.json", COMPACT(json.loads(contract.to_bytes())).encode()),
        Lie(b"labels.txt", "".join(f"{label}\n" for label in LABELS).encode()),
        Lie(b"golden/0.in", GOLDEN[0].input),
        Lie(b"golden/0.out", GOLDEN[0].output),
    ]


def document() -> Document:
    return json.loads(parts()[0].data)  # type: ignore[no-any-return]


def with_json(text: str | bytes) -> bytes:
    entries = parts()
    entries[0] = Lie(b"model.json", text if isinstance(text, bytes) else text.encode())
    return seal(FLATBUFFER, entries)


def with_document(change: Callable[[Document], Any]) -> bytes:
    changed = document()
    change(changed)
    return with_json(COMPACT(changed))


def with_text(old: str, new: str) -> bytes:
    text = COMPACT(document())
    assert text.count(old) == 1, old
    return with_json(text.replace(old, new))


def with_labels(labels: bytes, count: int = 2) -> bytes:
    """A file whose contract vouches for `labels`, whatever they are."""
    entries, changed = parts(), document()
    changed["labels"] = {"count": count, "sha256": hashlib.sha256(labels).hexdigest()}
    entries[0] = Lie(b"model.json", COMPACT(changed).encode())
    entries[1] = Lie(b"labels.txt", labels)
    return seal(FLATBUFFER, entries)


def with_entry(index: int, **lies: Any) -> bytes:
    entries = parts()
    entries[index] = Lie(**({"name": entries[index].name, "data": entries[index].data} | lies))
    return seal(FLATBUFFER, entries)


def renamed(name: bytes) -> bytes:
    return seal(FLATBUFFER, [*parts(), Lie(name, b"?")])

"""Where the parts of a model file are, and how to put changed parts together again so that the zip is right."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from tformer_edge.archive import CENTRAL_BYTES, END_BYTES, LOCAL_BYTES, read_archive, write_archive
from tformer_edge.contract import JSON_NAME, LABELS_NAME

Span = tuple[int, int]


@dataclass(frozen=True)
class Seed:
    """A good model file, from which mutations start.

    Attributes:
        data: the file.
        flatbuffer: its beginning.
        entries: {name: content} of its zip, in order.
    """

    data: bytes
    flatbuffer: bytes
    entries: dict[str, bytes]

    @classmethod
    def of(cls, data: bytes) -> "Seed":
        archive = read_archive(data, JSON_NAME)
        assert archive is not None, "a seed has a contract"
        return cls(data, data[: archive[0]], archive[1])

    def spans(self) -> dict[str, list[Span]]:
        """{region: [(first byte, byte behind the last)]} of headers and contents."""
        at, headers, contents = len(self.flatbuffer), [], []
        for name, content in self.entries.items():
            headers.append((at, at + LOCAL_BYTES + len(name)))
            at += LOCAL_BYTES + len(name)
            contents.append((at, at + len(content)))
            at += len(content)
        end = len(self.data) - END_BYTES
        assert end - at == sum(CENTRAL_BYTES + len(name) for name in self.entries)
        return {
            "flatbuffer": [(0, len(self.flatbuffer))],
            "local headers": headers,
            "contents": contents,
            "directory": [(at, end)],
            "end record": [(end, len(self.data))],
        }

    def document(self) -> dict[str, Any]:
        """`model.json`, anew with each call."""
        return dict(json.loads(self.entries[JSON_NAME]))

    def sealed(self, changes: dict[str, bytes], flatbuffer: bytes | None = None) -> bytes:
        """A file whose zip is right (sizes, offsets, CRC-32) around changed contents."""
        front = self.flatbuffer if flatbuffer is None else flatbuffer
        return front + write_archive(len(front), [*(self.entries | changes).items()])

    def signed(self, changes: dict[str, bytes], flatbuffer: bytes | None = None) -> bytes:
        """The same, with a contract that vouches for the changed contents and the changed flatbuffer."""
        document, front = self.document(), self.flatbuffer if flatbuffer is None else flatbuffer
        entries = self.entries | changes
        document["flatbuffer"] = {"bytes": len(front), "sha256": _sha256(front)}
        labels = entries[LABELS_NAME]
        document["labels"] = {"count": max(labels.count(b"\n"), 1), "sha256": _sha256(labels)}
        for index, record in enumerate(document["golden"]):
            record["input_sha256"] = _sha256(entries[f"golden/{index}.in"])
            record["output_sha256"] = _sha256(entries[f"golden/{index}.out"])
        return self.sealed(changes | {JSON_NAME: json.dumps(document).encode()}, flatbuffer)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

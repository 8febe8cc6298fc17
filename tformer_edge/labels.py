"""`labels.txt`: one label a line, in the order of the model's scores (docs/contract.md, "labels.txt")."""

from collections.abc import Sequence

from tformer_edge.json_fields import is_printable
from tformer_edge.refusal import Refusal

MAX_LABEL_BYTES = 256

_LINES = (
    f"lines of 1 to {MAX_LABEL_BYTES} bytes of UTF-8 without control characters, each ending in a line feed"
)


def labels_text(labels: Sequence[str]) -> bytes:
    """The bytes of `labels.txt`."""
    # Half of a surrogate pair is written as it is, for `parse_labels` to refuse in a sentence.
    return "".join(f"{label}\n" for label in labels).encode("utf-8", "surrogatepass")


def parse_labels(data: bytes, count: int) -> tuple[str, ...]:
    """The `count` labels in `data`, the bytes of `labels.txt`. Raises Refusal for other text or another number."""
    # Counted before splitting, so that a file of nothing but line feeds costs no memory.
    if data.count(b"\n") != count:
        raise Refusal(
            "labels-count", f"{count} lines in labels.txt, as the contract says", str(data.count(b"\n"))
        )
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Refusal("labels-text", _LINES, f"other bytes at {error.start} of labels.txt") from None
    if lines.pop():
        raise Refusal("labels-text", _LINES, "a labels.txt whose last line has no end")
    for number, line in enumerate(lines):
        if not is_printable(line, MAX_LABEL_BYTES):
            raise Refusal("labels-text", _LINES, f"{line[:40]!r} for label {number}")
    return tuple(lines)

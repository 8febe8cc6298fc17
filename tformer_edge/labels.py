"""`labels.txt`: one label a line, in the order of the model's scores (docs/contract.md, "labels.txt")."""

import codecs
from collections.abc import Sequence
from pathlib import Path

from tformer_edge.errors import UserError
from tformer_edge.json_fields import is_printable
from tformer_edge.refusal import Refusal

MAX_LABEL_BYTES = 256

_LINES = (
    f"lines of 1 to {MAX_LABEL_BYTES} bytes of UTF-8 without control characters, each ending in a line feed"
)


def read_label_file(path: Path) -> tuple[str, ...]:
    """The class names in a text file of the user's, one a line; empty lines and a byte order mark are left out.

    Raises:
        UserError: it cannot be read, is not UTF-8, or holds a name that a contract may not have.
    """
    where = f"a text file with a class name a line in {path}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(where, (error.strerror or str(error)).lower(), "give another") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UserError(where, "text in UTF-16", "save it as UTF-8")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(where, f"bytes that are not UTF-8 at {error.start}", "save it as UTF-8") from None
    names = tuple(line.strip() for line in lines if line.strip())
    check_labels(names)
    return names


def check_labels(labels: Sequence[str]) -> None:
    """Raises UserError for the first name that labels.txt may not hold."""
    for label in labels:
        if not is_printable(label, MAX_LABEL_BYTES):
            raise UserError(
                f"class names of 1 to {MAX_LABEL_BYTES} bytes of UTF-8 without control characters",
                ascii(label[:40]),
                "rename it",
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

"""Checks of single fields of `model.json`: each refuses with the rule `contract-field` and the name of the field."""

import math
import re
from typing import Any, get_args

from tformer_edge.refusal import Refusal

MAX_NAME_BYTES = 100

# Control characters, line and paragraph separators, the byte order mark, and marks that turn the direction of the
# text around them: a name must not change how the text beside it reads.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def get(mapping: dict[str, Any], key: str, kind: Any, prefix: str = "") -> Any:
    """The value of `key`, which must be there and of `kind`: str, int, float, dict, list, or a tuple of these."""
    if key not in mapping:
        raise Refusal("contract-field", f"{prefix}{key} in model.json", "none")
    value = mapping[key]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if isinstance(value, bool) or not isinstance(value, kinds):
        names = {str: "a string", int: "an integer", float: "a number", dict: "an object", list: "an array"}
        raise wrong(prefix + key, " or ".join(names.get(one, "null") for one in kinds), value)
    return value


def wrong(name: str, expected: str, received: Any) -> Refusal:
    """The refusal of the value `received` of field `name`."""
    return Refusal("contract-field", f"{name} of model.json to be {expected}", repr(received)[:80])


def text(value: Any, name: str) -> None:
    """Refuses all but a name: 1 to 100 bytes of printable text."""
    if not isinstance(value, str) or not is_printable(value, MAX_NAME_BYTES):
        raise wrong(name, f"1 to {MAX_NAME_BYTES} bytes of text without control characters", value)


def one_of(value: Any, kind: Any, name: str) -> None:
    """Refuses all but the values of `kind`, a Literal."""
    if value not in get_args(kind):
        raise wrong(name, f"one of {', '.join(get_args(kind))}", value)


def integer(value: Any, name: str, low: int, high: int) -> None:
    """Refuses all but integers from `low` to `high`."""
    if type(value) is not int or not low <= value <= high:
        raise wrong(name, f"{low}" if low == high else f"an integer from {low} to {high}", value)


def digest(value: Any, name: str) -> None:
    """Refuses all but a SHA-256 in hexadecimal."""
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise wrong(name, "a SHA-256 of 64 lower-case hexadecimal digits", value)


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number; a bool is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def is_printable(text: str, max_bytes: int) -> bool:
    """Whether `text` has 1 to `max_bytes` bytes of UTF-8 and no character that docs/contract.md forbids in names."""
    try:
        return 1 <= len(text.encode("utf-8")) <= max_bytes and not _UNPRINTABLE.search(text)
    except UnicodeEncodeError:  # half of a surrogate pair
        return False

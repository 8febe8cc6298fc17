"""JSON in which two parsers cannot disagree: RFC 8259, bounded, with every key once (docs/contract.md, "JSON")."""

import json
import math
import re
from typing import Any, NoReturn

from tformer_edge.refusal import Refusal

MAX_BYTES = 64 << 10
MAX_DEPTH = 16
MAX_NUMBER_CHARACTERS = 40
MAX_INTEGER = 2**53 - 1  # the integers that a float64 holds exactly, as in RFC 7493

_OUTSIDE_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)


def parse_object(data: bytes) -> dict[str, Any]:
    """The object that `data` holds, UTF-8 without a byte order mark. Raises Refusal for anything else.

    Objects become dict, arrays list, numbers int (written without fraction and exponent) or float.
    """
    if len(data) > MAX_BYTES:
        raise Refusal("json-size", f"JSON of up to {MAX_BYTES} bytes", f"{len(data)}")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("json-text", "JSON in UTF-8", f"other bytes at {error.start}") from None
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_float,
        )
    except json.JSONDecodeError as error:
        raise Refusal(
            "json-syntax", "JSON as RFC 8259 defines it", f"'{error.msg}' at character {error.pos}"
        ) from None
    if not isinstance(value, dict):
        raise Refusal("json-syntax", "a JSON object", type(value).__name__)
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Refusal("json-text", "strings of Unicode characters", "half of a surrogate pair") from None
    return value


def _check_depth(text: str) -> None:
    """Before parsing, since a parser may recurse: counts brackets outside strings."""
    depth = 0
    for character in _OUTSIDE_STRINGS.sub("", text):
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Refusal("json-depth", f"objects and arrays up to {MAX_DEPTH} deep", "deeper ones")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Refusal("json-duplicate-key", "every key of an object once", f"{twice!r} twice")
    return result


def _constant(text: str) -> NoReturn:
    raise Refusal("json-syntax", "JSON as RFC 8259 defines it", text)


def _integer(text: str) -> int:
    if len(text) <= MAX_NUMBER_CHARACTERS and abs(int(text)) <= MAX_INTEGER:
        return int(text)
    raise _number(text)


def _float(text: str) -> float:
    if len(text) <= MAX_NUMBER_CHARACTERS and math.isfinite(float(text)):
        return float(text)
    raise _number(text)


def _number(text: str) -> Refusal:
    return Refusal(
        "json-number",
        f"numbers of up to {MAX_NUMBER_CHARACTERS} characters, finite, integers up to 2**53 - 1",
        text[:50],
    )

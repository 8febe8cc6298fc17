"""Malice in JSON: values of other types and sizes, keys twice or gone, text that two parsers may read differently."""

import json
import random
from typing import Any

HOSTILE_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 255, 256, 1 << 31, 2**53 - 1, 2**53, -(2**63), 10**39),
    *(0.0, 1e-7, 0.5, 1e6, 1e308, "", "rgb", "a" * 101, "\u202e", "\x00", "é", "../x", [], {}, [[]]),
    *([0.5, 0.5, 0.5], [0.5] * 4, [None] * 3, {"": {}}, ["x"] * 17, "0" * 64, "classification", "float32"),
)
# In place of a value, as text: what json.dumps does not write.
HOSTILE_TEXTS = (
    *(b"NaN", b"-Infinity", b"01", b"+1", b"1e999", b"-0", b"1.", b".5", b"0x10", b"1" * 41, b"1e-400"),
    *(b'"\\ud800"', b'"\\u0000"', b'"\xff"', b'"\xed\xa0\x80"', b"[" * 17 + b"]" * 17, b"[" * 5000),
    *(b"1,", b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b"/**/1", b"'x'", b"\xef\xbb\xbf1", b"1\xc2\xa0"),
)
_MARK = "6f1d9c2e mark"


def mutate_document(document: dict[str, Any], draw: random.Random) -> bytes:
    """`model.json` with one hostile thing in it, somewhere."""
    holder, key = draw.choice(_places(document))
    how = draw.randrange(5)
    if how == 0:
        del holder[key]
    elif how == 1:
        holder[key] = draw.choice(HOSTILE_VALUES)
    elif how == 2:
        holder[key] = _MARK
        return json.dumps(document).encode().replace(f'"{_MARK}"'.encode(), draw.choice(HOSTILE_TEXTS), 1)
    elif how == 3 and isinstance(holder, dict):
        text = json.dumps(document)
        pair = f"{json.dumps(key)}: {json.dumps(holder[key])}"
        return text.replace(
            pair, f"{pair}, {json.dumps(key)}: {json.dumps(draw.choice(HOSTILE_VALUES))}", 1
        ).encode()
    else:
        document[draw.choice(("new", "format ", "\x00", "golden"))] = draw.choice(HOSTILE_VALUES)
    return json.dumps(document, ensure_ascii=draw.random() < 0.5).encode("utf-8", "surrogatepass")


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(object or array, key or index) of every value below `value`."""
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    found = [(value, key) for key, _ in pairs]
    for _, inside in pairs:
        if isinstance(inside, (dict, list)):
            found += _places(inside)
    return found

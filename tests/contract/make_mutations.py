"""Makes the damaged files that both languages must judge alike: `mutations/index.json`, byte for byte.

    .venv/bin/python tests/contract/make_mutations.py          # writes it
    .venv/bin/python tests/contract/make_mutations.py --check  # says whether it is current

A line is `[file, edits, verdict]`, of a good example. An edit is `[at, remove, hexadecimal]` in the whole file: at byte
`at`, `remove` bytes go and these come. With a fourth number in front, `[entry, at, remove, hexadecimal]`, it is inside
the zip's entry of that number, and the zip is sealed anew with right sizes and CRC-32: what a stranger does, whom no
checksum stops. Edits of a line apply one after the other.

The verdict is what `tformer_edge` says: a rule of docs/contract.md; `plain` for a file without a contract; or, for an
accepted one, the first 20 digits of the SHA-256 of `canonical`, which holds all that was read.
"""

import hashlib
import json
import random
import re
import struct
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from good_examples import good  # noqa: E402
from make_examples import describe_file  # noqa: E402
from raw_zip import Lie, seal  # noqa: E402

from tformer_edge.archive import read_archive  # noqa: E402
from tformer_edge.contract import ModelFile, read_model_file  # noqa: E402
from tformer_edge.refusal import Refusal  # noqa: E402

FOLDER = Path(__file__).parent / "mutations"
WHOLE, SEALED = 1500, 1100
Edit = list[Any]

# Of the 8, 16 and 32 bits of the zip's fields.
EDGES = (
    *(0, 1, 2, 22, 33, 34, 35, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF),
    *(1 << 24, (1 << 24) + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF),
)
SIGNATURES = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"TFL3", b"model.json")
TOKENS = (
    *(b"-1", b"0", b"1", b"2", b"-0", b"1e5", b"1E+2", b"1.", b".5", b"01", b"1e999", b"1e-400", b"9007199254740991"),
    *(b"9007199254740992", b"1" * 41, b"0." + b"1" * 38, b"0." + b"1" * 39, b"NaN", b"Infinity", b"-Infinity"),
    *(b"null", b"true", b"false", b"[]", b"{}", b'""', b'"x"', b'"int8"', b'"uint8"', b'"float32"', b'"stretch"'),
    *(b'"', b"\\", b"\\u0000", b"\\ud83d", b"\\ud83d\\ude00", b"\\ude00", b"\\u00g0", b"\\x", b"\t", b"\n", b"\x00"),
    *(b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f\x90\x95", b"\xc3\xa9", b"\xef\xbb\xbf"),
    *(b"\xc2\xa0", b"\xe2\x80\xae", b"\xe2\x80\xa8", b"\xc2\x85", b"[" * 17, b"{" * 9, b"]" * 5, b"/**/", b",", b":"),
    *(b"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", b'"a":1,', b'"format":1,', b'"name":"x",', b"[" * 300),
)  # fmt: skip
VALUES = (
    *(b"0", b"-0", b"1", b"2", b"17", b"255", b"256", b"0.5", b"0.0", b"1.0", b"1E-2", b"1e-7", b"1e7", b"-1", b"null"),
    *(b"true", b"[]", b"{}", b"[0,0.5,1]", b"[1,1,1,1]", b'""', b'"x"', b'"\\u00e9"', b'"\xe7\x8a\xac"', b'"\\u202e"'),
    *(b'"int8"', b'"float32"', b'"probabilities"', b'"stretch"', b'"detection"', b'"rgb"', b'"name"'),
    *(b'"a":{"b":1,"b":2},"c"', b'"format":1,"format"', b'"name":"x","name"'),
    *(b'"' + b"0" * 64 + b'"', b"9007199254740992", b"1e999", b"8192"),
)  # fmt: skip


def canonical(file: ModelFile) -> bytes:
    """All that was read, in a form that any language writes alike."""
    return _canonical([file.flatbuffer.hex(), describe_file(file)]).encode("ascii")


def _canonical(value: Any) -> str:
    """Numbers as the bits of a float64: JSON's 1 and 1.0 are one number here."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, (int, float)):
        return struct.pack(">d", value).hex()
    if isinstance(value, str):
        return f'"{value.encode("utf-8").hex()}"'
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return (
        "{"
        + ",".join(sorted(f"{_canonical(key)}:{_canonical(inside)}" for key, inside in value.items()))
        + "}"
    )


def splice(data: bytes, at: int, remove: int, inserted: bytes) -> bytes:
    return data[:at] + inserted + data[at + remove :]


def damage(data: bytes, draw: random.Random) -> list[Edit]:
    """One to three edits of a whole file, most of them where the zip's headers stand."""
    edits = []
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        size = len(data)
        directory = min(int.from_bytes(data[-6:-2], "little"), size) if size >= 22 else 0
        low, high = draw.choice(
            ((0, size), (0, 60), (directory, size), (directory, size), (max(0, size - 22), size))
        )
        at = draw.randrange(min(low, max(0, size - 1)), max(1, min(high, size)))
        how = draw.randrange(8)
        if how <= 1 and at < size:
            edit = [at, 1, bytes([data[at] ^ 1 << draw.randrange(8)])]
        elif how == 2:
            code = draw.choice("BHI")
            value = draw.choice((*EDGES, at, size, size - 22)) % (1 << 8 * struct.calcsize(code))
            edit = [at, struct.calcsize(code), struct.pack(f"<{code}", value)]
        elif how == 3:
            edit = [at, size - at, b""]
        elif how == 4:
            edit = [at, draw.choice((1, 2, 4, 16, 46)), b""]
        elif how == 5:
            edit = [at, 0, draw.randbytes(draw.choice((1, 2, 4, 16)))]
        elif how == 6:
            source, length = draw.randrange(size), draw.choice((4, 22, 30, 46))
            edit = [at, draw.choice((0, length)), data[source : source + length]]
        else:
            edit = [at, draw.choice((0, 4)), draw.choice(SIGNATURES)]
        edits.append(edit[:-1] + [edit[-1].hex()])
        data = splice(data, *edit)
        if not data:
            break
    return edits


def malice(entries: dict[str, bytes], draw: random.Random) -> list[Edit]:
    """Edits inside entries: of the JSON, or of another part that the JSON then vouches for."""
    names = list(entries)
    number = 0 if draw.random() < 0.7 else draw.randrange(1, len(names))
    old = entries[names[number]]
    at = draw.randrange(len(old) + 1)
    remove = min(draw.choice((0, 0, 1, 2, 5, 12)), len(old) - at)
    inserted = draw.choice((*TOKENS, draw.randbytes(1), old[at : at + 1] * 2, b""))
    if number == 0 and draw.random() < 0.6:
        # A whole value or key, so that what comes is read and not only refused for its syntax.
        place = draw.choice(list(re.finditer(rb'"[^"]*"|(?<=[:,\[])[0-9.e+-]+', old)))
        at, remove, inserted = place.start(), len(place.group()), draw.choice(VALUES)
    edits: list[Edit] = [[number, at, remove, inserted.hex()]]
    if number and draw.random() < 0.8:
        json_text = entries[names[0]]
        place = json_text.find(hashlib.sha256(old).hexdigest().encode())
        new = hashlib.sha256(splice(old, at, remove, inserted)).hexdigest().encode()
        edits.append([0, place, 64, new.hex()])
    return edits


def apply(data: bytes, edits: list[Edit]) -> bytes:
    """The file that a line describes."""
    if len(edits[0]) == 3:
        for at, remove, inserted in edits:
            data = splice(data, at, remove, bytes.fromhex(inserted))
        return data
    archive = read_archive(data, "model.json")
    assert archive
    start, entries = archive
    contents = list(entries.values())
    for number, at, remove, inserted in edits:
        contents[number] = splice(contents[number], at, remove, bytes.fromhex(inserted))
    return seal(
        data[:start], [Lie(name.encode(), content) for name, content in zip(entries, contents, strict=True)]
    )


def verdict(data: bytes) -> str:
    try:
        file = read_model_file(data)
    except Refusal as refusal:
        return refusal.rule
    return "plain" if file.contract is None else hashlib.sha256(canonical(file)).hexdigest()[:20]


def make() -> dict[str, bytes]:
    """{file name: content} of the folder of mutations."""
    draw = random.Random(20_28)
    files = {name: data for name, (data, _, _) in good().items() if read_model_file(data).contract}
    lines = []
    for index in range(WHOLE + SEALED):
        name = draw.choice(list(files))
        archive = read_archive(files[name], "model.json")
        assert archive
        edits = damage(files[name], draw) if index < WHOLE else malice(archive[1], draw)
        lines.append(json.dumps([name, edits, verdict(apply(files[name], edits))], separators=(",", ":")))
    return {"index.json": ("[\n" + ",\n".join(lines) + "\n]\n").encode()}


if __name__ == "__main__":
    from generated import main

    FOLDER.mkdir(exist_ok=True)
    sys.exit(main(FOLDER, make()))

"""Files whose zip is whole and whose content a reader refuses, with the rule that refuses it."""

import hashlib
from typing import Any

from example_parts import (
    COMPACT,
    FLATBUFFER,
    Document,
    document,
    parts,
    with_document,
    with_entry,
    with_json,
    with_labels,
    with_text,
)
from raw_zip import Lie, seal


def bad_json() -> dict[str, tuple[bytes, str]]:
    text = COMPACT(document())
    return {
        "json_too_long": (with_json(text + " " * (65_537 - len(text))), "json-size"),
        "json_latin1": (with_json(text.replace("tiny", "é").encode("latin-1")), "json-text"),
        "json_utf16": (with_json(text.encode("utf-16")), "json-text"),
        "json_overlong_utf8": (with_json(text.encode().replace(b"tiny", b"\xc0\xaf")), "json-text"),
        "json_half_surrogate": (with_text('"tiny"', '"\\ud83d"'), "json-text"),
        "json_half_surrogate_in_source": (with_text('"source":{}', '"source": {"\\udc00": 1}'), "json-text"),
        "json_byte_order_mark": (with_json("\ufeff" + text), "json-syntax"),
        "json_empty": (with_json(""), "json-syntax"),
        "json_cut": (with_json(text[:-1]), "json-syntax"),
        "json_two_values": (with_json(text + "{}"), "json-syntax"),
        "json_array": (with_json(f"[{text}]"), "json-syntax"),
        "json_comment": (with_json("/**/" + text), "json-syntax"),
        "json_trailing_comma": (with_json(text[:-1] + ",}"), "json-syntax"),
        "json_single_quotes": (with_text('"tiny"', "'tiny'"), "json-syntax"),
        "json_control_character": (with_text('"tiny"', '"ti\tny"'), "json-syntax"),
        "json_leading_zero": (with_text('"format":1', '"format": 01'), "json-syntax"),
        "json_plus_sign": (with_text('"format":1', '"format": +1'), "json-syntax"),
        "json_nan": (with_text('"accuracy":null', '"accuracy": {"top1": NaN}'), "json-syntax"),
        "json_infinity": (with_text('"accuracy":null', '"accuracy": {"top1": -Infinity}'), "json-syntax"),
        "json_other_digits": (with_text('"format":1', '"format": 1٢'), "json-syntax"),
        "json_other_space": (with_text('"format":1', '"format":\u00a01'), "json-syntax"),
        "json_number_too_great": (with_text('"source":{}', '"source": {"x": 1e999}'), "json-number"),
        "json_integer_too_great": (with_text('"source":{}', f'"source": {{"x": {2**53}}}'), "json-number"),
        "json_number_too_long": (with_text('"source":{}', f'"source": {{"x": 0.{"1" * 39}}}'), "json-number"),
        "json_duplicate_key": (with_text('"format":1', '"format": 2, "format": 1'), "json-duplicate-key"),
        "json_duplicate_key_inside": (with_text('"source":{}', '"source": {"a": [{"b": 1, "b": 1}]}'),
                                      "json-duplicate-key"),
        "json_duplicate_key_escaped": (with_text('"format":1', '"f\\u006frmat": 2, "format": 1'),
                                       "json-duplicate-key"),
        "json_17_deep": (with_text('"source":{}', f'"source": {{"x": {"[" * 15}{"]" * 15}}}'), "json-depth"),
        "json_2000_deep": (with_json("[" * 2_000), "json-depth"),
    }  # fmt: skip


def bad_fields() -> dict[str, tuple[bytes, str]]:
    def put(*path: Any) -> bytes:
        *keys, last, value = path

        def change(given: Document) -> None:
            for key in keys:
                given = given[key]
            given[last] = value

        return with_document(change)

    def without(*path: str) -> bytes:
        def change(given: Document) -> None:
            for key in path[:-1]:
                given = given[key]
            del given[path[-1]]

        return with_document(change)

    record = document()["golden"][0]
    files = {
        "format_0": put("format", 0),
        "format_text": put("format", "1"),
        "format_float": put("format", 1.0),
        "format_true": put("format", True),
        "format_missing": without("format"),
        "input_missing": without("input"),
        "source_missing": without("source"),
        "accuracy_missing": without("accuracy"),
        "std_missing": without("input", "std"),
        "name_is_empty": put("name", ""),
        "name_of_101_bytes": put("name", "é" * 50 + "x"),
        "name_turns_text": put("name", "tiny\u202e"),
        "name_with_escape_code": put("name", "\x1b[31m"),
        "task_unknown": put("task", "regression"),
        "batch_0": put("input", "batch", 0),
        "height_0": put("input", "height", 0),
        "height_8193": put("input", "height", 8193),
        "height_float": put("input", "height", 2.0),
        "channels_4": put("input", "channels", 4),
        "input_type_int16": put("input", "type", "int16"),
        "channel_order_bgr": put("input", "channel_order", "bgr"),
        "mean_of_two": put("input", "mean", [0, 0]),
        "mean_over_1": put("input", "mean", [0, 0, 123.675]),
        "mean_text": put("input", "mean", [0, 0, "0"]),
        "std_0": put("input", "std", [1, 1, 0]),
        "resize_unknown": put("input", "resize", "nearest"),
        "crop_fraction_0": put("input", "crop_fraction", 0),
        "crop_fraction_tiny": put("input", "crop_fraction", 5e-324),
        "crop_fraction_over_1": put("input", "crop_fraction", 1.5),
        "crop_of_stretched": put("input", "resize", "stretch"),
        "output_type_unknown": put("output", "type", "float16"),
        "meaning_unknown": put("output", "meaning", "scores"),
        "label_count_0": put("labels", "count", 0),
        "label_count_65537": put("labels", "count", 65_537),
        "labels_sha256_upper_case": put("labels", "sha256", document()["labels"]["sha256"].upper()),
        "labels_sha256_short": put("labels", "sha256", "ab"),
        "flatbuffer_bytes_negative": put("flatbuffer", "bytes", -1),
        "golden_object": put("golden", {}),
        "golden_17": put("golden", [record] * 17),
        "golden_record_text": put("golden", ["noise"]),
        "golden_difference_256": put("golden", 0, "xnnpack_difference", 256),
        "golden_difference_half": put("golden", 0, "xnnpack_difference", 0.5),
        "golden_difference_negative": put("golden", 0, "xnnpack_difference", -1),
        "source_array": put("source", []),
        "accuracy_number": put("accuracy", 0.9),
        "versions_number": put("versions", {"keras": 3}),
    }
    return {"format_3": (put("format", 3), "contract-format")} | {
        f"field_{name}": (data, "contract-field") for name, data in files.items()
    }


def bad_contents() -> dict[str, tuple[bytes, str]]:
    whole = seal(FLATBUFFER, parts())
    texts = {
        "without_last_line_feed": b"cat\ndog\nx",
        "windows_line_ends": b"cat\r\ndog\r\n",
        "empty_line": b"cat\n\n",
        "control_character": b"cat\ndog\x07\n",
        "line_separator": "cat\ndog\u2028\n".encode(),
        "byte_order_mark": "\ufeffcat\ndog\n".encode(),
        "not_utf8": b"cat\nd\xf6g\n",
        "of_257_bytes": b"cat\n" + b"x" * 257 + b"\n",
    }
    long_input, long_output = parts(), parts()
    long_input[2] = Lie(b"golden/0.in", bytes(13))
    long_output[3] = Lie(b"golden/0.out", bytes(3))
    for entries, key in ((long_input, 2), (long_output, 3)):
        changed, name = document(), ("input_sha256", "output_sha256")[key - 2]
        changed["golden"][0][name] = hashlib.sha256(entries[key].data).hexdigest()
        entries[0] = Lie(b"model.json", COMPACT(changed).encode())
    no_records = document() | {"golden": []}
    return {
        "flatbuffer_flipped": (b"\x1c\0\0\1" + whole[4:], "flatbuffer-sha256"),
        "flatbuffer_longer": (seal(FLATBUFFER + b"\0", parts()), "flatbuffer-size"),
        "labels_of_another": (with_entry(1, data=b"cat\ncow\n"), "labels-sha256"),
        "labels_one_less": (with_labels(b"cat\n"), "labels-count"),
        "labels_one_more": (with_labels(b"cat\ndog\ncow\n"), "labels-count"),
        **{f"labels_{name}": (with_labels(text), "labels-text") for name, text in texts.items()},
        "golden_input_of_another": (with_entry(2, data=bytes(12)), "golden-sha256"),
        "golden_output_of_another": (with_entry(3, data=bytes(2)), "golden-sha256"),
        "golden_input_too_long": (seal(FLATBUFFER, long_input), "golden-size"),
        "golden_output_too_long": (seal(FLATBUFFER, long_output), "golden-size"),
        "golden_without_record": (with_json(COMPACT(no_records)), "golden-count"),
    }

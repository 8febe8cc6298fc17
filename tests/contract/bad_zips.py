"""Files whose zip a reader refuses: named after the attack or the damage, with the rule that refuses it."""

from example_parts import FLATBUFFER, parts, renamed, with_entry
from raw_zip import Lie, seal


def bad_zips() -> dict[str, tuple[bytes, str]]:
    whole = seal(FLATBUFFER, parts())
    model_json, labels, given, made = parts()
    directory = int.from_bytes(whole[-6:-2], "little")
    packed = b"\xcb\xa8\xca\xcf\xe3\x4a\xcd\xcc\xe3\x02\x00"
    start = len(FLATBUFFER)
    huge = 0xFFFFFFFF
    return {
        "empty": (b"", "flatbuffer-identifier"),
        "another_format": (b"\x89PNG\r\n\x1a\n" + bytes(30), "flatbuffer-identifier"),
        "zip_alone": (seal(b"", parts()), "flatbuffer-identifier"),
        "cut_by_a_byte": (whole[:-1], "zip-damaged"),
        "cut_before_end_record": (whole[:-22], "zip-damaged"),
        "cut_in_directory": (whole[: directory + 20], "zip-damaged"),
        "cut_in_model_json": (whole[: start + 40], "zip-damaged"),
        "trailing_byte": (whole + b"\0", "zip-damaged"),
        "trailing_end_record_signature": (whole + b"PK\5\6", "zip-damaged"),
        "comment": (seal(FLATBUFFER, parts(), comment=b"hello"), "zip-damaged"),
        "comment_of_an_end_record": (seal(FLATBUFFER, parts(), comment=whole[-22:]), "zip-directory"),
        "comment_length_only": (seal(FLATBUFFER, parts(), end={"comment_length": 5}), "zip-end-record"),
        "disk_1": (seal(FLATBUFFER, parts(), end={"disk": 1}), "zip-end-record"),
        "directory_on_disk_1": (seal(FLATBUFFER, parts(), end={"directory_disk": 1}), "zip-end-record"),
        "two_counts": (seal(FLATBUFFER, parts(), end={"entries_here": 3}), "zip-end-record"),
        "no_entries": (seal(FLATBUFFER, []), "zip-entries"),
        "zip64_count": (seal(FLATBUFFER, parts(), end={"entries_here": 65535, "entries": 65535}), "zip-entries"),
        "too_many_entries": (
            seal(FLATBUFFER, [*parts(), *(Lie(b"%d" % n, b"") for n in range(31))]),
            "zip-entries",
        ),
        "zip64_end_record": (
            seal(FLATBUFFER, parts(), before_end=b"PK\6\6" + bytes(52) + b"PK\6\7" + bytes(16)),
            "zip-directory",
        ),
        "zip64_directory_offset": (seal(FLATBUFFER, parts(), end={"directory_offset": huge}), "zip-directory"),
        "offsets_from_zip": (seal(FLATBUFFER, parts(), end={"directory_offset": directory - start}), "zip-directory"),
        "directory_too_short": (seal(FLATBUFFER, parts(), end={"entries_here": 5, "entries": 5}), "zip-directory"),
        "directory_too_long": (seal(FLATBUFFER, parts(), end={"entries_here": 3, "entries": 3}), "zip-directory"),
        "name_beyond_directory": (with_entry(3, central={"name_length": 13}), "zip-directory"),
        "directory_of_noise": (
            seal(FLATBUFFER, parts(), end={"directory_size": 46, "directory_offset": len(whole) - 22 - 46,
                                            "entries_here": 1, "entries": 1}),
            "zip-central-header",
        ),
        "compressed": (
            with_entry(1, data=packed, central={"method": 8, "size": 8}, local={"method": 8, "size": 8}),
            "zip-central-header",
        ),
        "encrypted": (with_entry(1, central={"flags": 1}, local={"flags": 1}), "zip-central-header"),
        "data_descriptor": (with_entry(1, central={"flags": 8}, local={"flags": 8}), "zip-central-header"),
        "utf8_flag": (with_entry(1, central={"flags": 2048}, local={"flags": 2048}), "zip-central-header"),
        "extra_field": (with_entry(1, extra=b"\x55\x54\1\0\0"), "zip-central-header"),
        "zip64_sizes": (
            with_entry(1, extra=b"\1\0\x10\0" + bytes(16), central={"size": huge, "packed": huge}),
            "zip-central-header",
        ),
        "entry_comment": (with_entry(1, comment=b"hello"), "zip-central-header"),
        "timestamp": (with_entry(1, central={"date": 0x5821}, local={"date": 0x5821}), "zip-central-header"),
        "made_by_unix": (with_entry(1, central={"made_by": 0x031E}), "zip-central-header"),
        "symbolic_link": (with_entry(1, central={"external": 0xA1FF0000}), "zip-central-header"),
        "entry_on_disk_1": (with_entry(1, central={"disk": 1}), "zip-central-header"),
        "two_sizes": (with_entry(1, central={"packed": 7}), "zip-central-header"),
        "local_compressed": (with_entry(1, local={"method": 8}), "zip-local-header"),
        "local_flags": (with_entry(1, local={"flags": 8, "crc": 0, "size": 0, "packed": 0}), "zip-local-header"),
        "local_crc": (with_entry(1, local={"crc": 1}), "zip-local-header"),
        "local_size": (with_entry(1, local={"size": 9}), "zip-local-header"),
        "local_name": (with_entry(1, local_name=b"LABELS.txt"), "zip-local-header"),
        "local_extra": (with_entry(1, local={"extra_length": 4}), "zip-local-header"),
        "local_signature": (whole.replace(b"PK\3\4", b"PK\3\5"), "zip-local-header"),
        "path_parent": (renamed(b"../evil"), "zip-name"),
        "path_parent_inside": (renamed(b"golden/../../evil"), "zip-name"),
        "path_absolute": (renamed(b"/etc/evil"), "zip-name"),
        "path_drive": (renamed(b"C:evil"), "zip-name"),
        "path_backslash": (renamed(b"golden\\evil"), "zip-name"),
        "path_folder": (renamed(b"golden/"), "zip-name"),
        "path_hidden": (renamed(b".evil"), "zip-name"),
        "name_empty": (renamed(b""), "zip-name"),
        "name_with_null": (renamed(b"model.json\0.txt"), "zip-name"),
        "name_with_line_feed": (renamed(b"evil\n"), "zip-name"),
        "name_not_ascii": (renamed("é".encode()), "zip-name"),
        "name_of_65_bytes": (renamed(b"x" * 65), "zip-name"),
        "duplicate_entry": (renamed(b"model.json"), "zip-duplicate"),
        "oversized_entry": (
            with_entry(2, central={"size": (16 << 20) + 1, "packed": (16 << 20) + 1}),
            "zip-entry-size",
        ),
        "size_beyond_file": (with_entry(2, central={"size": 16 << 20, "packed": 16 << 20}), "zip-layout"),
        "gap_between_entries": (with_entry(2, before=b"\0"), "zip-layout"),
        "gap_before_directory": (seal(FLATBUFFER, parts(), before_directory=b"\0"), "zip-layout"),
        "overlapping_entries": (with_entry(1, central={"offset": start}), "zip-layout"),
        "another_order_in_directory": (seal(FLATBUFFER, parts(), order=[0, 2, 1, 3]), "zip-layout"),
        "offset_beyond_file": (with_entry(0, central={"offset": huge}), "zip-layout"),
        "wrong_crc": (with_entry(1, central={"crc": 1}, local={"crc": 1}), "zip-crc"),
        "flipped_label": (whole.replace(b"cat\n", b"cau\n"), "zip-crc"),
        "swapped_entries": (seal(FLATBUFFER, [labels, model_json, given, made]), "entries"),
        "no_labels": (seal(FLATBUFFER, [model_json, given, made]), "entries"),
        "contract_alone": (seal(FLATBUFFER, [model_json]), "entries"),
        "unknown_entry": (renamed(b"notes.txt"), "entries"),
        "golden_without_output": (seal(FLATBUFFER, [model_json, labels, given]), "entries"),
        "golden_from_1": (
            seal(FLATBUFFER, [model_json, labels, Lie(b"golden/1.in", given.data), Lie(b"golden/1.out", made.data)]),
            "entries",
        ),
    }  # fmt: skip

"""The strict zip against two other readers of zips, and what writer and reader refuse."""

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tformer_edge.archive import MAX_ENTRIES, MAX_ENTRY_BYTES, read_archive, write_archive
from tformer_edge.refusal import Refusal

PREFIX = b"\x1c\0\0\0TFL3" + bytes(range(256))
NAMES = st.from_regex(
    r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,20})?", fullmatch=True
)
ENTRIES = st.dictionaries(NAMES, st.binary(max_size=60), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=100), ENTRIES)
def test_what_is_written_is_read_here_and_by_zipfile(prefix: bytes, entries: dict[str, bytes]) -> None:
    data = prefix + write_archive(len(prefix), entries.items())
    assert read_archive(data, next(iter(entries))) == (len(prefix), entries)
    with zipfile.ZipFile(io.BytesIO(data)) as reference:
        assert reference.testzip() is None
        assert [info.filename for info in reference.infolist()] == list(entries)
        assert {info.filename: reference.read(info) for info in reference.infolist()} == entries
        for info in reference.infolist():
            assert (info.compress_type, info.date_time) == (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0))


@pytest.mark.skipif(not shutil.which("unzip"), reason="needs unzip: apt-get install unzip")
def test_unzip_shows_an_entry_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(
        PREFIX + write_archive(len(PREFIX), [("model.json", b"{}\n"), ("golden/0.in", bytes(99))])
    )
    shown = subprocess.run(["unzip", "-p", str(path), "model.json"], capture_output=True, check=False)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, b"{}\n", b"")
    tested = subprocess.run(["unzip", "-tq", str(path)], capture_output=True, check=False)
    assert (tested.returncode, tested.stderr) == (0, b"")


def test_what_zipfile_writes_with_its_defaults_is_refused() -> None:
    """It dates entries, and names the system that made them: one content would have many forms."""
    file = io.BytesIO(PREFIX)
    with zipfile.ZipFile(file, "a") as other:
        other.writestr("model.json", b"{}")
    with pytest.raises(Refusal, match="version made by") as error:
        read_archive(file.getvalue(), "model.json")
    assert error.value.rule == "zip-central-header"


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"PK\5\6", b"PK\3\4", b"PK\3\4model.json", b"PK\5\6" + bytes(18)]),
)
def test_bytes_without_a_zip_are_no_zip(noise: bytes, signature: bytes) -> None:
    """Even where they hold a signature: only a record as the last 22 bytes, or a header of model.json, counts."""
    data = PREFIX + signature + b"\xaa" + noise
    # With 17 bytes of noise behind a signature there is an end record, if a broken one.
    assume(data[-22:-18] != b"PK\5\6")
    assert read_archive(data, "model.json") is None


@pytest.mark.parametrize(
    ("entries", "rule"),
    [
        ([("../evil", b"")], "zip-name"),
        ([("a", b""), ("a", b"")], "zip-duplicate"),
        ([("dög", b"")], "zip-name"),
        ([], "zip-entries"),
        ([(str(n), b"") for n in range(MAX_ENTRIES + 1)], "zip-entries"),
        ([("a", bytes(MAX_ENTRY_BYTES + 1))], "zip-entry-size"),
    ],
)
def test_writer_refuses_what_the_reader_would(entries: list[tuple[str, bytes]], rule: str) -> None:
    with pytest.raises(Refusal) as error:
        write_archive(0, entries)
    assert error.value.rule == rule


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_two_byte_sequences_hold_the_same_entries(data: st.DataObject) -> None:
    """Any change of the zip is refused, or is a change of an entry's name or of where the zip begins."""
    entries = {"model.json": b"{}", "labels.txt": b"cat\n"}
    good = PREFIX + write_archive(len(PREFIX), entries.items())
    position = data.draw(st.integers(len(PREFIX), len(good) - 1))
    changed = bytearray(good)
    changed[position] ^= data.draw(st.integers(1, 255))
    try:
        result = read_archive(bytes(changed), "model.json")
    except Refusal:
        return
    assert result is None or result[1] != entries

"""Files are written whole or not at all; nothing but a regular file is replaced, and no link is followed blindly."""

import os
from pathlib import Path

import pytest

from tests.fresh_process import fresh
from tformer_edge.errors import UserError
from tformer_edge.files import (
    UNFINISHED,
    check_writable,
    read_regular,
    whole_file,
    write_all_whole,
    write_whole,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(path, b"old")
    with pytest.raises(RuntimeError), whole_file(path) as temporary:
        temporary.write_bytes(b"new")
        raise RuntimeError
    assert path.read_bytes() == b"old" and names(tmp_path) == ["a"]


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_stays(tmp_path: Path) -> None:
    code = (
        "import os, signal; from pathlib import Path; from tformer_edge.files import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\nresult = None"
    )
    with pytest.raises(AssertionError):
        fresh(code, tmp_path / "a.bin")
    (left,) = names(tmp_path)
    assert left.startswith(UNFINISHED)
    other = tmp_path / f"{UNFINISHED}00000000-b.bin"
    other.write_bytes(b"of another file")
    with whole_file(tmp_path / "a.bin") as one:
        assert not (tmp_path / left).exists()
        one.write_bytes(b"one")
        write_whole(tmp_path / "a.bin", b"two")  # at the same time
        assert one.exists()
    assert (tmp_path / "a.bin").read_bytes() == b"one"
    assert names(tmp_path) == [other.name, "a.bin"]


def test_a_link_laid_at_the_temporary_name_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / f"{UNFINISHED}feedbeef-a").symlink_to(victim)
    monkeypatch.setattr("secrets.token_hex", lambda count: "feedbeef")
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", b"x")
    assert victim.read_bytes() == b"precious"


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    write_whole(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_bytes() == b"new"


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to a device"])
def test_only_regular_files_are_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "thing"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null")
    mode = path.stat().st_mode
    for write in (
        lambda: write_whole(path, b"x"),
        lambda: check_writable([path], force=True),
        lambda: write_all_whole({path: b"x"}),
    ):
        with pytest.raises(UserError, match="the name of a file"):
            write()
    assert path.stat().st_mode == mode and names(tmp_path) == ["thing"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "nothing"):
        with pytest.raises(OSError):
            read_regular(path)
    write_whole(tmp_path / "file", b"12345")
    assert read_regular(tmp_path / "file") == b"12345" and read_regular(tmp_path / "file", 2) == b"12"


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path, words in (
        (tmp_path / ("x" * 300), "file name too long"),
        (tmp_path / "file" / "below", "not a directory"),
    ):
        with pytest.raises(UserError, match=words):
            check_writable([path], force=False)
    longest = tmp_path / ("x" * 251 + ".bin")
    write_whole(longest, b"fits")
    assert longest.read_bytes() == b"fits"

"""How commands end, whatever is raised in them."""

import errno
from pathlib import Path

import pytest

from tformer_edge.command_line import guarded
from tformer_edge.errors import Failure, UserError


def ending(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def run() -> int:
        raise error

    code = guarded("program", run)
    return code, capsys.readouterr().err


def test_mistakes_failures_and_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    for error, code, words in (
        (UserError("a", "b", "c"), 2, "program: error: expected a, received b; c\n"),
        (Failure("it broke"), 1, "program: it broke\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/Data/X"), 1, "/Data/X: no space left on device"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/Data/X"),
            2,
            "/Data/X: permission denied; give",
        ),
        (MemoryError(), 1, "expected enough memory"),
        (KeyboardInterrupt(), 130, ""),
        (UserError("a\x1b[2J", "b", "c"), 2, "a\\x1b[2J"),
    ):
        received, err = ending(error, capsys)
        assert received == code and words in err and err.count("\n") <= 1


def test_what_nobody_foresaw_is_a_short_report(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, err = ending(ZeroDivisionError("so\nmany lines"), capsys)
    assert code == 1 and err.count("\n") == 1 and "Traceback" not in err
    assert "ZeroDivisionError: so many lines" in err and "open an issue" in err
    (report,) = tmp_path.iterdir()
    assert report.name in err and "Traceback" in report.read_text() and "in run" in report.read_text()

"""A run's folder: nobody else's files are overwritten there, and one process at a time trains in it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_process import ROOT
from tformer_cli.main import main
from tformer_edge.errors import UserError
from tformer_keras.training.run_folder import OWN_FILES, check_new_folder, locked


@pytest.mark.parametrize("name", OWN_FILES)
def test_a_foreign_folder_keeps_its_files(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(b'{"precious": 1}')
    assert main(["train", "digits", "--epochs", "1", "--limit-steps", "1", "--out", str(tmp_path)]) == 2
    assert "is from elsewhere" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b'{"precious": 1}'


def test_a_new_folder_one_with_other_things_and_one_of_a_run_that_failed_early(tmp_path: Path) -> None:
    check_new_folder(tmp_path / "new")
    (tmp_path / "notes.txt").touch()
    check_new_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"run": {}, "task": "x", "preprocessing": {}, "versions": {}}')
    check_new_folder(tmp_path)
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(UserError):
            check_new_folder(path)


def test_one_process_at_a_time_and_a_kill_lets_go(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from tformer_keras.training.run_folder import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(UserError, match="another process that trains there"), locked(tmp_path):
        pass
    holder.kill()
    holder.communicate()
    with locked(tmp_path):
        assert list(tmp_path.iterdir()) == []

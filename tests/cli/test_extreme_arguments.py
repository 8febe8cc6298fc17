"""Numbers far outside what can be computed, and places where no run can be: one sentence, before memory is taken."""

from pathlib import Path

import pytest

from tformer_cli.main import main


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seed", "4294967296"], "--seed: expected a whole number from 0 to 4294967295"),
        (["--batch-size", "1000000000"], "batch_size: expected 1 to"),
        (["--learning-rate", "1e300"], "learning_rate: expected more than 0 and at most"),
        (["--learning-rate", "nan"], "expected a finite number"),
        (["--model-set", "widths=(1000000000,24)", "--model-set", "depths=(1,1)"], "a model of up to"),
        (["--out", "file"], "which is a file"),
        (["--out", "file/below"], "which is a file"),
        (["--out", "x" * 300], "file name too long"),
    ],
)
def test_a_training_that_cannot_be_is_one_sentence(
    options: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    out = [] if "--out" in options else ["--out", "run"]
    try:
        code = main(["train", "digits", "--epochs", "1", "--limit-steps", "1", *options, *out])
    except SystemExit as ended:  # argparse's own refusal
        code = int(ended.code or 0)
    assert code == 2 and words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_batch_that_no_device_holds_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "nowhere", "--batch", "100000000", "--out", str(tmp_path / "a.tflite")]) == 2
    assert "at most 1024, received 100000000" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []

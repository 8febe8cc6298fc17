"""`tformer-edge watch` as a process: real files, a real clock, Ctrl-C."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from tformer_edge.cli import main
from tformer_edge.model import Model


@pytest.fixture
def inbox(tmp_path):
    path = tmp_path / "inbox"
    path.mkdir()
    return path


@pytest.fixture
def watching(folder, inbox):
    """Starts the command and waits until it watches."""
    started = []

    def start(*arguments):
        command = [
            sys.executable,
            "-m",
            "tformer_edge.cli",
            "watch",
            str(folder / "int8-1.tflite"),
            str(inbox),
        ]
        process = subprocess.Popen(
            [*command, "--interval", "0.05", "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Ctrl-C is ignored by what a shell starts in the background, and so by the tests' own children there.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        started.append(process)
        assert "watching" in process.stderr.readline()
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_it_names_what_appears_is_replaced_or_damaged(watching, folder, inbox, photos):
    Image.fromarray(photos[0]).save(inbox / "before.png")
    process = watching()
    Image.fromarray(photos[1]).save(inbox / "a.png")
    first = json.loads(process.stdout.readline())
    (inbox / "bad.jpg").write_bytes(b"no image")
    error = process.stderr.readline()
    Image.fromarray(photos[2]).save(inbox / "a.png")
    second = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and out == ""
    assert "bad.jpg" in error and "Traceback" not in err and "images: 3, not readable: 1" in err
    with Model(folder / "int8-1.tflite") as model:
        for line, photo in ((first, photos[1]), (second, photos[2])):
            assert line["image"] == str(inbox / "a.png")
            assert line["top"] == model.predict(photo, top=3).to_json()["top"]


def test_a_half_written_file_is_not_read(watching, inbox, photos):
    process = watching("--once")
    Image.fromarray(photos[0]).save(inbox.parent / "whole.png")
    data = (inbox.parent / "whole.png").read_bytes()
    with (inbox / "slow.png").open("wb") as file:
        for start in range(0, len(data), len(data) // 6 + 1):
            file.write(data[start : start + len(data) // 6 + 1])
            file.flush()
            time.sleep(0.2)  # 1.2 s in all, while a file settles in 0.5
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and json.loads(out)["image"].endswith("slow.png")
    assert "not readable: 0" in err


def test_a_folder_that_vanishes_ends_it_in_one_sentence(watching, inbox):
    process = watching()
    shutil.rmtree(inbox)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2 and "can no longer be read" in err and "Traceback" not in err


def test_existing_and_count(folder, inbox, photos, capsys):
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(inbox / f"{number}.png")
    arguments = ["watch", str(folder / "int8-1.tflite"), str(inbox), "--existing", "--interval", "0.05"]
    assert main([*arguments, "--count", "4"]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 4 and "images: 4, not readable: 0" in captured.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--count", "0"], "at least 1, received '0'"),
        (["--interval", "-1"], "expected seconds over 0"),
        (["--interval", "nan"], "expected seconds over 0"),
        (["--once", "--count", "2"], "not allowed with"),
    ],
)
def test_numbers_that_make_no_sense(arguments, words, folder, inbox, capsys):
    with pytest.raises(SystemExit) as end:
        main(["watch", str(folder / "int8-1.tflite"), str(inbox), *arguments])
    assert end.value.code == 2 and words in capsys.readouterr().err


def test_a_folder_that_is_not_there(folder, capsys):
    assert main(["watch", str(folder / "int8-1.tflite"), "/nowhere"]) == 2
    assert "/nowhere" in capsys.readouterr().err

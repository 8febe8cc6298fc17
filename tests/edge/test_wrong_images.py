"""What is no image, or an odd one, in a folder that `run` goes through: each is named, and the others go on."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from tformer_edge import Model, UserError
from tformer_edge.cli import main


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def picture(mode="RGB", size=(24, 20)):
    values = np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(values).convert(mode)


def bomb():
    """A PNG of 60 bytes that says it has 30,000 x 30,000 pixels."""
    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(b"0")), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + chunks


GOOD = {
    "grey.jpg": lambda: encoded(picture("L"), "JPEG"),
    "cmyk.jpg": lambda: encoded(picture("CMYK"), "JPEG"),
    "alpha.png": lambda: encoded(picture("RGBA"), "PNG"),
    "palette.gif": lambda: encoded(picture("P"), "GIF"),
    "bit.png": lambda: encoded(picture("1"), "PNG"),
    "sixteen.png": lambda: encoded(Image.fromarray(np.arange(480, dtype=np.uint16).reshape(20, 24)), "PNG"),
    "animation.gif": lambda: encoded(picture(), "GIF", save_all=True, append_images=[picture()]),
    "a line.png": lambda: encoded(picture(size=(3000, 1)), "PNG"),
    "a dot.bmp": lambda: encoded(picture(size=(1, 1)), "BMP"),
    "a png called.jpg": lambda: encoded(picture(), "PNG"),
}
BAD = {
    "empty.png": lambda: b"",
    "text.jpg": lambda: b"this is no image\n",
    "vector.png": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "document.jpg": lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "postscript.tif": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "heic.jpg": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99),
    "film.webp": lambda: b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(99),
    "icon.png": lambda: encoded(picture(), "ICO", sizes=[(16, 16)]),
    "photoshop.tif": lambda: b"8BPS\0\1" + bytes(20),
    "zip.png": lambda: b"PK\3\4" + bytes(99),
    "elf.bmp": lambda: b"\x7fELF\2\1\1" + bytes(99),
    "cut.jpg": lambda: encoded(picture(size=(200, 200)), "JPEG")[:900],
    "cut.png": lambda: encoded(picture(), "PNG")[:-30],
    "head only.gif": lambda: b"GIF89a",
    "float.tif": lambda: encoded(Image.fromarray(np.zeros((9, 9), np.float32)), "TIFF"),
    "bomb.png": bomb,
}


def test_each_bad_one_is_named_and_each_good_one_answered(folder, tmp_path, capsys):
    for name, make in (GOOD | BAD).items():
        (tmp_path / name).write_bytes(make())
    (tmp_path / "a folder.png").mkdir()
    (tmp_path / "nowhere.png").symlink_to("missing")
    assert main(["run", str(folder / "int8-1.tflite"), str(tmp_path), "--json"]) == 2
    captured = capsys.readouterr()
    answered = {json.loads(line)["image"] for line in captured.out.splitlines()}
    assert answered == {str(tmp_path / name) for name in GOOD}
    *lines, last = captured.err.splitlines()
    named = [line for line in lines if line.startswith("tformer-edge: expected a readable image, received ")]
    assert len(named) == len(lines) == len(BAD) + 1
    for name in [*BAD, "nowhere.png"]:
        assert sum(str(tmp_path / name) in line for line in named) == 1
    assert f"received {len(BAD) + 1} of {len(GOOD) + len(BAD) + 1}" in last


@pytest.mark.parametrize(
    "image",
    [
        None,
        3.5,
        {"a": 1},
        object(),
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((3, 9, 9), np.uint8),
        np.zeros((9, 9, 3), np.float32),
        np.zeros((9, 9, 3), np.int16),
        np.zeros((0, 9, 3), np.uint8),
        np.zeros((2, 9, 9, 1), np.uint8),
        np.zeros((1, 1, 9, 9, 3), np.uint8),
        np.array("x.png"),
        [np.zeros((9, 9, 3), np.uint8), None],
        bytearray(b"x"),
        memoryview(b"x"),
        b"",
        "",
        "nul\0.png",
    ],
    ids=lambda image: type(image).__name__ + str(getattr(image, "shape", "")),
)
def test_other_types_are_one_sentence(folder, image):
    with Model(folder / "int8-1.tflite") as model, pytest.raises(UserError, match="^expected [^\n]*$"):
        model.predict(image)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_of_files_that_are_no_text_or_move_the_cursor(folder, tmp_path, encoding):
    for name in (b"\xff.png", b"\x1b[2J.png", "日.png".encode()):
        with open(bytes(tmp_path) + b"/" + name, "wb") as file:
            file.write(GOOD["alpha.png"]())
        with open(bytes(tmp_path) + b"/bad " + name, "wb") as file:
            file.write(b"no image")
    command = [sys.executable, "-m", "tformer_edge.cli", "run", str(folder / "int8-1.tflite"), str(tmp_path)]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for arguments in ([], ["--json"]):
        done = subprocess.run([*command, *arguments], capture_output=True, env=environment)
        assert done.returncode == 2 and b"Traceback" not in done.stderr and b"3 of 6" in done.stderr
        assert b"\x1b" not in done.stdout + done.stderr
        assert len(done.stdout.splitlines()) == 3
        if arguments:
            names = [json.loads(line)["image"] for line in done.stdout.splitlines()]
            assert sorted(map(os.fsencode, names))[-1] == bytes(tmp_path) + b"/\xff.png"

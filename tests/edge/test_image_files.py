"""One rule of what is an image, on folders as people have them."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tformer_edge.cli import main
from tformer_edge.errors import UserError
from tformer_edge.image_files import LeftOut, folder_images, images_below, is_image_name
from tformer_edge.images import SUFFIXES, open_image


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path, "PNG")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for name in (
        "b.png",
        "A.JPG",
        "deep/er/c.webp",
        ".hidden/d.png",
        "__MACOSX/e.png",
        "._b.png",
        ".DS_Store",
    ):
        picture(root / name)
    picture(root / "export.jpg" / "f.png")  # a folder with the name of a picture
    for name in ("g.heic", "h.HEIC", "i.dib", "notes.txt"):
        (root / name).write_bytes(b"x")
    return root


def test_a_folder_alone(folder: Path) -> None:
    left_out = LeftOut()
    assert [path.name for path in folder_images(folder, left_out)] == ["A.JPG", "b.png"]
    assert left_out.line() == "left out: 1 .dib (not read), 2 .heic (not read), 1 hidden"
    assert LeftOut().line() == ""


def test_a_folder_at_any_depth(folder: Path) -> None:
    left_out = LeftOut()
    names = {path.relative_to(folder).as_posix() for path in images_below(folder, left_out)}
    assert names == {"A.JPG", "b.png", "deep/er/c.webp", "export.jpg/f.png"}
    assert left_out[".heic (not read)"] == 2


def test_links_are_followed_once_and_loops_end(folder: Path, tmp_path: Path) -> None:
    outside = picture(tmp_path / "elsewhere" / "z.png").parent
    os.symlink(outside, folder / "linked")
    os.symlink(outside, folder / "linked again")
    os.symlink(folder, folder / "deep" / "loop")
    os.symlink(folder / "b.png", folder / "also b.png")
    names = [path.name for path in images_below(folder, LeftOut())]
    assert sorted(names) == sorted(["A.JPG", "b.png", "c.webp", "f.png", "z.png", "also b.png"])


def test_every_suffix_is_one_that_can_be_read(tmp_path: Path) -> None:
    Image.init()
    for suffix in SUFFIXES:
        path = tmp_path / f"picture{suffix}"
        Image.new("RGB", (4, 4)).save(path)
        assert open_image(path).shape == (4, 4, 3) and is_image_name(path.name)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a readable folder, received .*no such file"):
        folder_images(tmp_path / "none", LeftOut())


def test_run_takes_the_images_and_says_what_it_left_out(
    models: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(models / "int8-1.tflite"), str(folder)]) == 0
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == 2
    assert "left out: 1 .dib (not read), 2 .heic (not read), 1 hidden" in captured.err

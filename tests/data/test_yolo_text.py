"""YOLO's text files: layouts, names, outlines, and every defect in one sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_keras.data.load import load_dataset

HEIGHT, WIDTH = 30, 40
YAML = "train: images/train\nval: images/val\nnames:\n  0: red\n  1: white\n"


def add(root: Path, image: str, text: str | None, orientation: int = 1) -> None:
    path = root / image
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(path, exif=exif)
    if text is not None:
        label = root / image.replace("images", "labels")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.with_suffix(".txt").write_text(text)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "data.yaml").write_text(YAML)
    add(tmp_path, "images/train/a.jpg", "1 0.5 0.5 0.25 0.2\n0 0.95 0.5 0.2 0.2\n\n")
    add(tmp_path, "images/train/b.jpg", None)
    add(tmp_path, "images/train/c.jpg", "0 0.1 0.2 0.5 0.3 0.4 0.9\n")
    add(tmp_path, "images/val/d.jpg", "")
    return tmp_path


def test_boxes_names_splits_and_what_is_put_right(root: Path) -> None:
    dataset = load_dataset(root)
    assert (dataset.task, dataset.class_names) == ("detection", ("red", "white"))
    assert dataset.train.names == tuple(f"images/train/{name}.jpg" for name in "abc")
    assert dataset.test.names == ("images/val/d.jpg",)
    first, second, third = (dataset.train.annotation(index) for index in range(3))
    np.testing.assert_allclose(first.boxes, [[15, 12, 25, 18], [34, 12, 40, 18]])
    assert first.labels.tolist() == [1, 0] and len(second.labels) == 0
    np.testing.assert_allclose(third.boxes, [[4, 6, 20, 27]])
    for part in ("1 boxes that reached past", "1 outlines of which", "1 pictures without a text file"):
        assert part in dataset.left_out
    assert dataset.train.pixels(0).shape == (HEIGHT, WIDTH, 3)


def test_a_box_of_the_whole_picture_reaches_past_nothing(root: Path) -> None:
    add(root, "images/train/a.jpg", "0 0.500001 0.5 1.0 1.000001\n")
    dataset = load_dataset(root)
    assert dataset.train.annotation(0).boxes.tolist() == [[0, 0, WIDTH, HEIGHT]]
    assert "reached past" not in dataset.left_out


@pytest.mark.parametrize("names", ["names: [red, white]\n", "names:\n- red\n- white\n"])
def test_folders_without_a_word_in_the_yaml_file(tmp_path: Path, names: str) -> None:
    (tmp_path / "my.yml").write_text("nc: 2\n" + names)
    for split, count in (("train", 3), ("valid", 1), ("test", 2)):
        for number in range(count):
            add(tmp_path, f"{split}/images/{split}{number}.png", "1 0.5 0.5 0.5 0.5")
    dataset = load_dataset(tmp_path)
    assert (len(dataset.train), len(dataset.test), dataset.class_names) == (4, 2, ("red", "white"))


def test_roboflows_paths_lead_from_a_folder_that_is_not_there(root: Path) -> None:
    (root / "data.yaml").write_text(YAML.replace("images/", "../images/"))
    assert len(load_dataset(root).train) == 3


def test_no_splits_and_classes_txt(tmp_path: Path) -> None:
    for number in range(5):
        add(tmp_path, f"images/{number}.png", "0 0.5 0.5 0.5 0.5")
    with pytest.raises(UserError, match=r"names of the classes.*classes\.txt"):
        load_dataset(tmp_path)
    (tmp_path / "classes.txt").write_text("red\nwhite\n")
    dataset = load_dataset(tmp_path, test_fraction=0.4)
    assert (len(dataset.train), len(dataset.test), dataset.class_names) == (3, 2, ("red", "white"))


def test_shares_are_of_the_picture_as_it_is_seen(root: Path) -> None:
    add(root, "images/train/a.jpg", "0 0.5 0.25 0.5 0.5", orientation=6)
    found = load_dataset(root).train.annotation(0)
    assert found.size == (WIDTH, HEIGHT) and found.boxes.tolist() == [[7.5, 0, 22.5, 20]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 0.5 0.5 0.5", "a.txt, line 1: expected a class, centre x"),
        ("0 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5 0.9", "a.txt, line 2: expected a class, centre x"),
        ("red 0.5 0.5 0.5 0.5", "expected a class, centre x"),
        ("-1 0.5 0.5 0.5 0.5", "expected a class, centre x"),
        ("2 0.5 0.5 0.5 0.5", "a class from 0 to 1, received 2"),
        ("0 320 240 100 80", "shares of the picture, from 0 to 1"),
        ("0 nan 0.5 0.5 0.5", "shares of the picture"),
        ("0 0.5 0.5 0.5 0.5\udcff", "a readable text file"),
    ],
)
def test_a_bad_line_is_named(root: Path, text: str, words: str) -> None:
    (root / "labels" / "train" / "a.txt").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=words) as error:
        load_dataset(root)
    assert "a.txt" in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("names: [a\n", "a readable YAML file"),
        ("names: {0: red, 2: white}\ntrain: images/train\n", "a list, or all numbers from 0 on"),
        (YAML + "test: images/elsewhere\n", "a folder in .* for test: of the YAML file"),
        (YAML + "test: /etc\n", "a folder in .* for test: of the YAML file"),
        (YAML + "test: images/train\n", "each picture in one split"),
    ],
)
def test_a_bad_yaml_file(root: Path, text: str, words: str) -> None:
    (root / "data.yaml").write_text(text)
    with pytest.raises(UserError, match=words):
        load_dataset(root)


def test_no_text_file_at_all(root: Path) -> None:
    for path in (root / "labels").rglob("*.txt"):
        path.unlink()
    (root / "labels" / "notes.txt").write_text("")
    with pytest.raises(UserError, match="expected text files like"):
        load_dataset(root)

"""Pascal VOC's folders: layouts, lists, and every defect in one sentence."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_keras.data.load import load_dataset

OBJECT = """<object><name>{name}</name>{extra}<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>
<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"""


def document(name: str, *objects: tuple, size: tuple[int, int] = (30, 40)) -> str:
    parts = [OBJECT.format(name=one[0], box=one[1], extra="".join(one[2:])) for one in objects]
    size_ = f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}</filename>{size_}{''.join(parts)}</annotation>"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "voc" / "Annotations").mkdir(parents=True)
    (tmp_path / "voc" / "JPEGImages").mkdir()
    for number in range(6):
        add(tmp_path / "voc", f"p{number}", ("dog", (1, 1, 10, 20)), ("cat", (5, 6, 40, 30)))
    return tmp_path / "voc"


def add(root: Path, stem: str, *objects: tuple) -> None:
    image = np.random.default_rng(len(stem)).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(image).save(root / "JPEGImages" / f"{stem}.png")
    (root / "Annotations" / f"{stem}.xml").write_text(document(f"{stem}.png", *objects), "utf-8")


def test_boxes_classes_and_splits(root: Path) -> None:
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for name, stems in (("train", "p0 p1"), ("val", "p2"), ("test", "p3 p4")):
        (root / "ImageSets" / "Main" / f"{name}.txt").write_text("\n".join(stems.split()) + "\n")
    dataset = load_dataset(root)
    assert (dataset.task, dataset.class_names) == ("detection", ("cat", "dog"))
    assert [Path(name).stem for name in dataset.train.names] == ["p0", "p1", "p2"]
    assert [Path(name).stem for name in dataset.test.names] == ["p3", "p4"]
    found = dataset.train.annotation(0)
    assert found.size == (30, 40) and found.labels.tolist() == [1, 0]
    assert found.boxes.tolist() == [[0, 0, 10, 20], [4, 5, 40, 30]]
    assert dataset.train.pixels(0).shape == (30, 40, 3)
    (root / "ImageSets" / "Main" / "test.txt").unlink()
    assert [len(split) for split in (load_dataset(root).train, load_dataset(root).test)] == [2, 1]


def test_without_lists_the_seed_divides(root: Path) -> None:
    one, other = load_dataset(root, seed=1, test_fraction=0.5), load_dataset(root, seed=1, test_fraction=0.5)
    assert one.test.names == other.test.names and len(one.test) == 3 == len(one.train)


def test_files_side_by_side(root: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    shutil.copytree(root / "Annotations", flat)
    shutil.copytree(root / "JPEGImages", flat, dirs_exist_ok=True)
    assert len(load_dataset(flat).train) + len(load_dataset(flat).test) == 6


def test_what_is_put_right_is_said(root: Path) -> None:
    add(
        root,
        "odd",
        ("dog", (-4, 1, 10, 20)),
        ("dog", (7, 7, 6, 9)),
        ("cat", (2, 2, 9, 9)),
        ("cat", (2, 2, 9, 9)),
    )
    add(root, "empty")
    add(root, "hard", ("dog", (1, 1, 9, 9), "<difficult>1</difficult>"))
    dataset = load_dataset(root)
    for part in ("1 boxes that reached past", "1 boxes that were there twice", "1 boxes without an area"):
        assert part in dataset.left_out
    by_name = {
        Path(name).stem: split.annotation(index)
        for split in (dataset.train, dataset.test)
        for index, name in enumerate(split.names)
    }
    assert len(by_name["empty"].labels) == 0 and by_name["hard"].crowd.tolist() == [True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<annotation><object>", "a readable XML file"),
        ("", "a readable XML file"),
        ("<annotation/>", "p0.xml: expected the picture|p0"),
        ('<!DOCTYPE a [<!ENTITY x "y">]><annotation/>', "without a document type"),
        (document("p0.png", ("", (1, 1, 2, 2))), "a name and a bndbox"),
        (document("p0.png", ("dog", ("left", 1, 2, 2))), "a number in every xmin"),
        (document("p0.png", ("dog", ("nan", 1, 2, 2))), "a number in every xmin"),
        (
            document("p0.png").replace("</annotation>", "<object><name>x</name></object></annotation>"),
            "bndbox",
        ),
    ],
)
def test_a_bad_file_is_named(root: Path, text: str, words: str) -> None:
    (root / "Annotations" / "p0.xml").write_text(text, "utf-8")
    if text == "<annotation/>":
        (root / "JPEGImages" / "p0.png").unlink()
    with pytest.raises(UserError, match=words) as error:
        load_dataset(root)
    assert "p0.xml" in str(error.value)


def test_missing_and_unreadable_pictures_are_named(root: Path) -> None:
    (root / "JPEGImages" / "p1.png").write_bytes(b"nothing")
    with pytest.raises(UserError, match="p1.png"):
        load_dataset(root)
    (root / "JPEGImages" / "p1.png").unlink()
    with pytest.raises(UserError, match=r"p1.xml: expected the picture p1.png"):
        load_dataset(root)


def test_a_list_that_names_what_is_not_there(root: Path) -> None:
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "ImageSets" / "Main" / "train.txt").write_text("p0\nghost\n")
    with pytest.raises(UserError, match=r"train.txt: expected an XML file for 'ghost'"):
        load_dataset(root)


def test_a_picture_renamed_after_annotation_is_found(root: Path) -> None:
    file = root / "Annotations" / "p0.xml"
    file.write_text(file.read_text().replace("p0.png", "C:\\\\old\\\\DSC01.JPG"))
    names = {name for split in (load_dataset(root).train, load_dataset(root).test) for name in split.names}
    assert "JPEGImages/p0.png" in names

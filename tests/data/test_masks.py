"""Folders of pictures and masks: indices, palettes, colours, and every defect in one sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_keras.data.load import load_dataset
from tformer_keras.tasks.annotations import UNLABELLED

VALUES = np.arange(30 * 20, dtype=np.uint8).reshape(20, 30) % 4


def make(
    root: Path, splits: tuple[str, ...] = ("train", "test"), masks: str = "masks", count: int = 2
) -> Path:
    for split in splits:
        for part in ("images", masks):
            (root / part / split).mkdir(parents=True)
        for number in range(count):
            picture = np.full((20, 30, 3), 40 * number, np.uint8)
            Image.fromarray(picture).save(root / "images" / split / f"{number}.jpg")
            Image.fromarray((VALUES + number) % 4).save(root / masks / split / f"{number}.png")
    return root


def test_index_masks_without_a_table(tmp_path: Path) -> None:
    dataset = load_dataset(make(tmp_path))
    assert dataset.task == "segmentation" and dataset.class_names == tuple(f"class {n}" for n in range(4))
    found = dataset.train.annotation(1)
    assert found.size == (20, 30)
    np.testing.assert_array_equal(found.read(), (VALUES + 1) % 4)
    assert found.read().dtype == np.int32 and dataset.train.names[0] == "images/train/0.jpg"


def test_255_is_unlabelled(tmp_path: Path) -> None:
    root = make(tmp_path)
    marked = VALUES.copy()
    marked[0] = 255
    Image.fromarray(marked).save(root / "masks" / "train" / "0.png")
    dataset = load_dataset(root)
    assert len(dataset.class_names) == 4
    assert (dataset.train.annotation(0).read()[0] == UNLABELLED).all()


def test_a_table_names_values_and_what_is_nothing(tmp_path: Path) -> None:
    root = make(tmp_path)
    (root / "classes.csv").write_text("name,value\nroad,2\nunlabelled,0\nsky,1\ncar,3\n")
    dataset = load_dataset(root)
    assert dataset.class_names == ("road", "sky", "car")
    expected = np.choose(VALUES, [UNLABELLED, 1, 0, 2])
    np.testing.assert_array_equal(dataset.train.annotation(0).read(), expected)


def test_ade20k_as_it_comes(tmp_path: Path) -> None:
    root = make(tmp_path, ("training", "validation"), "annotations")
    lines = [
        "Idx\tRatio\tTrain\tVal\tStuff\tName",
        "1\t0.15\t11664\t1172\t1\twall",
        "2\t0.1\t1\t1\t1\tbuilding, edifice",
    ]
    (root / "objectInfo150.txt").write_text("\n".join([*lines, "3\t0.1\t1\t1\t0\tbuilding, house"]) + "\n")
    dataset = load_dataset(root)
    assert dataset.class_names == ("wall", "building", "building, house")
    assert dataset.test.names[0] == "images/validation/0.jpg"
    np.testing.assert_array_equal(dataset.train.annotation(0).read(), VALUES.astype(int) - 1)


def test_names_alone_count_from_0(tmp_path: Path) -> None:
    root = make(tmp_path)
    (root / "classes.txt").write_text("sky\nroad\ncar\nvoid\n")
    dataset = load_dataset(root)
    assert dataset.class_names == ("sky", "road", "car")
    assert (dataset.train.annotation(0).read()[VALUES == 3] == UNLABELLED).all()


def test_colours(tmp_path: Path) -> None:
    root = make(tmp_path)
    colours = np.array([[128, 64, 0], [0, 0, 192], [1, 2, 3], [0, 0, 0]], np.uint8)
    for split in ("train", "test"):
        for number in range(2):
            Image.fromarray(colours[VALUES]).save(root / "masks" / split / f"{number}.png")
    (root / "class_dict.csv").write_text("name,r,g,b\nroad,128,64,0\nsky,0,0,192\ncar,1,2,3\nvoid,0,0,0\n")
    dataset = load_dataset(root)
    np.testing.assert_array_equal(
        dataset.train.annotation(0).read(), np.where(VALUES == 3, -1, VALUES.astype(int))
    )
    (root / "class_dict.csv").write_text("road,128,64,0\nsky,0,0,192\n")
    with pytest.raises(UserError, match=r"0.png: .* the colour \(0, 0, 0\), which has none"):
        load_dataset(root).train.annotation(0).read()


def test_palettes_are_read_by_index(tmp_path: Path) -> None:
    root = make(tmp_path)
    image = Image.fromarray(VALUES)
    image.putpalette([9, 9, 9, 200, 0, 0, 0, 200, 0, 0, 0, 200])
    image.save(root / "masks" / "train" / "0.png")
    np.testing.assert_array_equal(load_dataset(root).train.annotation(0).read(), VALUES)


def test_splits(tmp_path: Path) -> None:
    three = load_dataset(make(tmp_path / "three", ("train", "val", "test")))
    assert (len(three.train), len(three.test)) == (4, 2)
    ade = load_dataset(make(tmp_path / "ade", ("training", "validation"), "annotations"))
    assert (len(ade.train), len(ade.test)) == (2, 2)
    flat = load_dataset(make(tmp_path / "flat", ("",), count=5), test_fraction=0.4)
    assert (len(flat.train), len(flat.test)) == (3, 2)


def test_defects_are_named(tmp_path: Path) -> None:
    root = make(tmp_path)
    mask = root / "masks" / "train" / "1.png"
    Image.fromarray(VALUES[:10]).save(mask)
    with pytest.raises(
        UserError, match=r"1.png: expected a mask of its picture's 20 × 30 pixels, received one of 10 × 30"
    ):
        load_dataset(root)
    mask.write_bytes(b"nothing")
    with pytest.raises(UserError, match="1.png"):
        load_dataset(root)
    mask.unlink()
    with pytest.raises(UserError, match=r"images/train/1.jpg: expected a mask"):
        load_dataset(root)
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(mask)
    with pytest.raises(UserError, match=r"1.png: .*one of mode RGB; add a table of colours"):
        load_dataset(root)


@pytest.mark.parametrize("text", ["a,1\nb,2,3,4\n", "a,1\nb,x\n", "a,1,2,300\nb,1,1,1\n", "a\n", ""])
def test_a_bad_table_is_named(tmp_path: Path, text: str) -> None:
    root = make(tmp_path)
    (root / "classes.csv").write_text(text)
    with pytest.raises(UserError, match=r"classes.csv"):
        load_dataset(root)


def test_a_value_without_a_class_is_named(tmp_path: Path) -> None:
    root = make(tmp_path)
    (root / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(UserError, match=r"0.png: .*the value [23], which has none"):
        load_dataset(root).train.annotation(0).read()

"""COCO's JSON: layouts, ids with gaps, crowds, turned pictures, and every defect in one sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.load import load_dataset

HEIGHT, WIDTH = 30, 40


def picture(path: Path, orientation: int = 1, size: tuple[int, int] = (HEIGHT, WIDTH)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(path, exif=exif)


def document(*names: str, **more: Any) -> dict[str, Any]:
    """A document of pictures without annotations, and of categories 3 and 90."""
    return {
        "images": [
            {"id": 10 + number, "file_name": name, "height": HEIGHT, "width": WIDTH}
            for number, name in enumerate(names)
        ],
        "annotations": [],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 3, "name": "car"}],
        **more,
    }


def box(number: int, image: int, category: int, bbox: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": image, "category_id": category, "bbox": bbox, **more}


def written(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """COCO's own layout: four pictures for training, one for validation, and files of other things."""
    for number in range(4):
        picture(tmp_path / "train2017" / f"{number}.jpg")
    picture(tmp_path / "val2017" / "9.jpg")
    train = document(*(f"{number}.jpg" for number in range(4)))
    train["annotations"] = [
        box(1, 10, 90, [2, 3, 10, 20], area=55.5),
        box(2, 10, 3, [0, 0, 5, 6], iscrowd=1),
        box(3, 11, 3, [30, 20, 20, 20]),
        box(4, 11, 3, [1, 1, 0, 4]),
        box(5, 12, 90, [1, 1, 4, 4]),
        box(6, 12, 90, [1, 1, 4, 4]),
    ]
    written(tmp_path / "annotations" / "instances_train2017.json", train)
    written(tmp_path / "annotations" / "instances_val2017.json", document("9.jpg"))
    written(tmp_path / "annotations" / "captions_train2017.json", {"images": [], "annotations": []})
    return tmp_path


def changed(root: Path, **more: Any) -> Path:
    path = root / "annotations" / "instances_train2017.json"
    written(path, {**json.loads(path.read_text()), **more})
    return path


def by_name(dataset: Dataset) -> dict[str, Any]:
    return {
        Path(name).name: split.annotation(index)
        for split in (dataset.train, dataset.test)
        for index, name in enumerate(split.names)
    }


def test_boxes_classes_splits_and_what_is_put_right(root: Path) -> None:
    dataset = load_dataset(root)
    assert (dataset.task, dataset.class_names) == ("detection", ("car", "toothbrush"))
    assert dataset.train.names == tuple(f"train2017/{number}.jpg" for number in range(4))
    assert dataset.test.names == ("val2017/9.jpg",)
    found = by_name(dataset)
    assert found["0.jpg"].boxes.tolist() == [[2, 3, 12, 23], [0, 0, 5, 6]]
    assert found["0.jpg"].labels.tolist() == [1, 0] and found["0.jpg"].crowd.tolist() == [False, True]
    assert found["0.jpg"].areas.tolist() == [55.5, 30]
    assert found["1.jpg"].boxes.tolist() == [[30, 20, 40, 30]]
    assert len(found["2.jpg"].labels) == 1 and len(found["3.jpg"].labels) == 0 == len(found["9.jpg"].labels)
    for part in ("1 boxes that reached past", "1 boxes that were there twice", "1 boxes without an area"):
        assert part in dataset.left_out
    assert dataset.train.pixels(0).shape == (HEIGHT, WIDTH, 3)


def test_roboflows_layout_and_its_parent_category(tmp_path: Path) -> None:
    categories = [
        {"id": 0, "name": "cells", "supercategory": "none"},
        {"id": 1, "name": "red", "supercategory": "cells"},
        {"id": 2, "name": "white", "supercategory": "cells"},
    ]
    for split, count in (("train", 3), ("valid", 1), ("test", 2)):
        names = [f"{split}{number}.png" for number in range(count)]
        for name in names:
            picture(tmp_path / split / name)
        value = document(*names, categories=categories, annotations=[box(0, 10, 2, [1, 1, 9, 9])])
        written(tmp_path / split / "_annotations.coco.json", value)
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("red", "white") and "1 categories that are only" in dataset.left_out
    assert (len(dataset.train), len(dataset.test)) == (4, 2)
    assert by_name(dataset)["test0.png"].labels.tolist() == [1]


def test_one_file_is_divided_by_the_seed(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(8)]
    for name in names:
        picture(tmp_path / "images" / name)
    written(tmp_path / "annotations.json", document(*names))
    one, other = (load_dataset(tmp_path, seed=4, test_fraction=0.25) for _ in range(2))
    assert one.test.names == other.test.names and (len(one.train), len(one.test)) == (6, 2)


def test_json_of_other_programs_makes_no_detection(tmp_path: Path) -> None:
    written(tmp_path / "train.json", {"epochs": 3})
    for number in range(4):
        picture(tmp_path / "train" / "abc"[number % 2] / f"{number}.png")
    assert load_dataset(tmp_path, test_fraction=0.5).task == "classification"


def test_boxes_of_a_turned_picture(root: Path) -> None:
    # Stored lying, seen upright: the file says which of the two its boxes belong to.
    for stored, said in ((True, (HEIGHT, WIDTH)), (False, (WIDTH, HEIGHT))):
        picture(root / "train2017" / "0.jpg", orientation=6)
        images = document("0.jpg", "1.jpg", "2.jpg", "3.jpg")["images"]
        images[0].update(height=said[0], width=said[1])
        changed(root, images=images, annotations=[box(1, 10, 3, [2, 3, 10, 20])])
        found = by_name(load_dataset(root))["0.jpg"]
        assert found.size == (WIDTH, HEIGHT)
        # Orientation 6: what is stored on top is seen on the right.
        expected = [HEIGHT - 23, 2, HEIGHT - 3, 12] if stored else [2, 3, 12, 23]
        assert found.boxes.tolist() == [expected]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"annotations": [box(7, 99, 3, [1, 1, 2, 2])]}, "a picture for annotation 7, received image_id 99"),
    ({"annotations": [box(7, 10, 1, [1, 1, 2, 2])]}, "a category for annotation 7, received category_id 1"),
    ({"annotations": [box(7, 10, 3, [1, 1, 2])]}, "a bbox of left, top, width and height in annotation 7"),
    ({"annotations": [box(7, 10, 3, None)]}, "a bbox"),
    ({"annotations": [box(7, 10, 3, [1, 1, True, 2])]}, "a bbox"),
    ({"annotations": [box(7, 10, 3, [1, 1, 10**400, 2])]}, "a bbox"),
    ({"annotations": [{"id": 1}]}, "a whole number as image_id"),
    ({"annotations": {}}, "a list of objects called annotations"),
    ({"images": [3]}, "a list of objects called images"),
    ({"categories": [{"id": 3, "name": ""}]}, "a name in category 3"),
    ({"categories": [{"id": 3, "name": "a"}, {"id": 3, "name": "b"}]}, "the name 'a' for category 3"),
    ({"images": document("0.jpg")["images"] * 2}, "an id for each picture"),
    ({"images": document("../../etc/passwd")["images"]}, "file names inside"),
    ({"images": document("C:\\pictures\\0.jpg")["images"]}, "file names inside"),
    ({"images": document("ghost.jpg")["images"]}, "the picture ghost.jpg"),
    ({"images": [{"id": 1}]}, "a file_name of each picture"),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=[words[:24] for _, words in WRONG])
def test_a_defect_is_named_with_its_file(root: Path, change: dict[str, Any], words: str) -> None:
    changed(root, **change)
    with pytest.raises(UserError, match=words) as error:
        load_dataset(root)
    assert "instances_train2017.json" in str(error.value)


@pytest.mark.parametrize(
    "text", ['{"images": [', '{"images": ' + "[" * 100_000, '["images"]'], ids=["cut", "deep", "list"]
)
def test_damaged_json(root: Path, text: str) -> None:
    (root / "annotations" / "instances_train2017.json").write_text(text)
    with pytest.raises(UserError, match="instances_train2017.json"):
        load_dataset(root)


def test_a_picture_of_another_size_than_its_boxes(root: Path) -> None:
    picture(root / "train2017" / "2.jpg", size=(60, 80))
    with pytest.raises(
        UserError, match=r"2\.jpg: expected a picture of 30 × 40 pixels, as its annotations say"
    ):
        load_dataset(root)

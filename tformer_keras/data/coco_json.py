"""Boxes in COCO's JSON files."""

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, cast

import numpy as np

from tformer_edge.errors import UserError, first_line
from tformer_edge.image_files import LeftOut
from tformer_edge.images import image_size
from tformer_keras.data.boxes import Size, as_seen, clean_boxes
from tformer_keras.data.dataset import Dataset, ImageSplit, split_of_files
from tformer_keras.data.split_names import split_of, training_and_test
from tformer_keras.tasks.annotations import BoxAnnotation

# Where files of boxes are, by the tools that write them: COCO, Roboflow, Label Studio and others.
PATTERNS = (
    "annotations/instances_*.json",
    "*/_annotations.coco.json",
    "_annotations.coco.json",
    "annotations/*.json",
    *(
        f"{name}.json"
        for name in ("train", "val", "valid", "test", "instances*", "annotations", "coco", "result")
    ),
)
# COCO's files of captions, of key points, and of pictures without annotations.
OTHERS = ("captions", "person_keypoints", "image_info", "stuff", "panoptic")
MAX_BYTES = 2 << 30  # COCO's own has 450 MB


@dataclass
class _Picture:
    """A picture as its file has it."""

    path: Path
    said: Size | None
    categories: list[int] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    crowd: list[bool] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)


def find_coco(root: Path) -> list[Path]:
    """The files of boxes of a folder, by `PATTERNS`: all of the first that has any that look like COCO's."""
    for pattern in PATTERNS:
        found = [path for path in sorted(root.glob(pattern)) if not path.name.startswith(OTHERS)]
        if found := [path for path in found if _looks_like_coco(path)]:
            return found
    return []


def _looks_like_coco(path: Path) -> bool:
    """Other programs write files of these names too."""
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16)
    except OSError:
        return False
    return any(b'"%s"' % name in start for name in (b"images", b"annotations", b"categories"))


def load_coco(root: Path, *, seed: int = 0, test_fraction: float = 0.2) -> Dataset:
    """Reads the JSON files that `find_coco` finds, and their pictures.

    A file's split is in its name or its folder's (`instances_train2017.json`, `valid/_annotations.coco.json`): with
    test images the others are for training, else those for validation are for testing; of one file `test_fraction` of
    the pictures, chosen by `seed`, becomes the test split. Pictures are looked for beside the file, in a folder of the
    split's name (`train2017/`), in `images/` and in `root`.

    Classes are the categories in the order of their ids, which may have gaps; a category that is only the parent of
    others, as Roboflow writes one, is left out. `iscrowd` boxes are neither learnt nor found nor missed. Pictures
    without annotations stay. What is put right is counted in `left_out`.

    Raises UserError, one sentence that names the file and the entry: JSON that is damaged or lacks something, what is
    referred to and is not there, pictures that are missing, cannot be read, or have another size than the file says.
    """
    files = find_coco(root)
    if not files:
        raise UserError(f"COCO's JSON files in {root}", "none", "name them as COCO does")
    left_out = LeftOut()
    categories: dict[int, dict[str, Any]] = {}
    pictures: list[_Picture] = []
    members: dict[str, list[int]] = {}
    for path in files:
        found = _read(path, root, categories)
        split = _split(path, root)
        if split is not None:
            members.setdefault(split, []).extend(range(len(pictures), len(pictures) + len(found)))
        pictures += found
    names = _names(
        categories, {one for picture in pictures for one in picture.categories}, left_out, files[0]
    )
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda picture: image_size(picture.path), pictures))
    labels = {category: label for label, category in enumerate(sorted(names))}
    annotations = [
        _annotation(picture, *size, labels, left_out) for picture, size in zip(pictures, sizes, strict=True)
    ]

    def split_at(indices: Sequence[int]) -> ImageSplit:
        paths = [pictures[index].path for index in indices]
        return split_of_files(root, paths, [annotations[index] for index in indices])

    train, test = map(split_at, training_and_test(members, len(pictures), seed, test_fraction))
    class_names = tuple(names[category] for category in sorted(names))
    return Dataset(root.resolve().name, class_names, train, test, task="detection", left_out=left_out.line())


def _annotation(
    picture: _Picture, size: Size, orientation: int, labels: Mapping[int, int], left_out: LeftOut
) -> BoxAnnotation:
    if picture.said is not None and picture.said not in (size, size[::-1] if orientation >= 5 else size):
        raise UserError(
            f"a picture of {picture.said[0]} × {picture.said[1]} pixels, as its annotations say",
            f"{size[0]} × {size[1]}",
            "annotate the picture that is there: its boxes belong to another size",
            where=str(picture.path),
        )
    boxes = as_seen(np.array(picture.boxes).reshape(-1, 4), picture.said, size, orientation)
    numbers = [labels[category] for category in picture.categories]
    return clean_boxes(boxes, numbers, size, left_out, picture.crowd, picture.areas)


def _names(
    categories: Mapping[int, dict[str, Any]], used: set[int], left_out: LeftOut, path: Path
) -> dict[int, str]:
    parents = {one.get("supercategory") for one in categories.values()}
    names = {}
    for number, category in categories.items():
        if number not in used and category["name"] in parents and len(categories) > 1:
            left_out["categories that are only the parent of others"] += 1
        else:
            names[number] = category["name"]
    if not names:
        raise UserError(
            "categories", "none", "add those that the pictures are annotated with", where=str(path)
        )
    return names


def _split(path: Path, root: Path) -> str | None:
    """By the file's name, `instances_train2017`, or by that of its folder."""
    parts = path.stem.replace("-", "_").split("_")
    named = next(
        (split for part in parts if (split := split_of(part.rstrip("0123456789"))) is not None), None
    )
    return named or (split_of(path.parent.name) if path.parent != root else None)


def _read(path: Path, root: Path, categories: dict[int, dict[str, Any]]) -> list[_Picture]:
    document = _document(path)
    for category in _entries(document, "categories", path):
        number, name = _whole(category, "id", path), category.get("name")
        if not isinstance(name, str) or not name.strip():
            raise _wrong(path, f"a name in category {number}", repr(name))
        known = categories.setdefault(number, category)
        if known["name"] != name:
            raise _wrong(
                path, f"the name {known['name']!r} for category {number}, as in another file", repr(name)
            )
    places = _places(path, root)
    pictures: dict[int, _Picture] = {}
    for image in _entries(document, "images", path):
        number = _whole(image, "id", path)
        if number in pictures:
            raise _wrong(path, "an id for each picture", f"{number} twice")
        height, width = image.get("height"), image.get("width")
        whole = isinstance(height, int) and isinstance(width, int) and min(height, width) > 0
        said = cast(Size, (height, width)) if whole else None
        pictures[number] = _Picture(_picture(image, places, path), said)
    for entry in _entries(document, "annotations", path):
        _add(entry, pictures, categories, path)
    return list(pictures.values())


def _add(
    entry: Mapping[str, Any], pictures: Mapping[int, _Picture], categories: Mapping[int, Any], path: Path
) -> None:
    place = f"annotation {entry.get('id', 'without an id')}"
    image, category = _whole(entry, "image_id", path), _whole(entry, "category_id", path)
    if image not in pictures:
        raise _wrong(path, f"a picture for {place}", f"image_id {image}, which there is not")
    if category not in categories:
        raise _wrong(path, f"a category for {place}", f"category_id {category}, which there is not")
    box = entry.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise _wrong(path, f"a bbox of left, top, width and height in {place}", repr(box)[:80])
    area = entry.get("area")
    left, top, width, height = map(float, box)
    picture = pictures[image]
    picture.categories.append(category)
    picture.boxes.append((left, top, left + width, top + height))
    picture.crowd.append(bool(entry.get("iscrowd")))
    own = float(cast(float, area)) if _is_number(area) else math.nan
    # What is no area, or none that is said, is the box's.
    picture.areas.append(own if math.isfinite(own) and own > 0 else width * height)


def _document(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"a file of up to {MAX_BYTES} bytes", "a longer one", "split it", where=str(path))
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            "a readable JSON file", first_line(error), "export it again", where=str(path)
        ) from None
    if not isinstance(document, dict):
        raise _wrong(path, "an object with images, annotations and categories", type(document).__name__)
    return document


def _entries(document: Mapping[str, Any], name: str, path: Path) -> list[dict[str, Any]]:
    entries = document.get(name)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _wrong(path, f"a list of objects called {name}, as COCO's files have one", repr(entries)[:60])
    return entries


def _places(path: Path, root: Path) -> list[Path]:
    """Folders that may have the pictures of a file."""
    split = path.stem.removeprefix("instances_")
    folders = (
        path.parent / "images",
        path.parent,
        root / split,
        root / "images" / split,
        root / "images",
        root,
    )
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _picture(image: Mapping[str, Any], places: Sequence[Path], path: Path) -> Path:
    name = image.get("file_name")
    if not isinstance(name, str) or not name.strip():
        raise _wrong(path, "a file_name of each picture", repr(name))
    relative = PurePosixPath(name.replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts or ":" in relative.parts[0]:
        raise _wrong(path, "file names inside the data set's folder", repr(name))
    tried = [folder / one for one in (relative, relative.name) for folder in places]
    found = next((candidate for candidate in tried if candidate.is_file()), None)
    if found is None:
        raise _wrong(path, f"the picture {name}", f"none in {', '.join(map(str, places))}")
    return found


def _whole(entry: Mapping[str, Any], name: str, path: Path) -> int:
    value = entry.get(name)
    # Some tools write numbers as text.
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    if type(value) is not int:
        raise _wrong(path, f"a whole number as {name}", repr(value)[:60])
    return value


def _is_number(value: Any) -> bool:
    # Whole numbers above this are no pixels, and some no floats either.
    return type(value) is float or (type(value) is int and abs(value) < 1 << 53)


def _wrong(path: Path, expected: str, received: str) -> UserError:
    return UserError(expected, received, "correct the file", where=str(path))

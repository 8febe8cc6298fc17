"""Boxes in Pascal VOC's XML files."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from tformer_edge.errors import UserError, first_line
from tformer_edge.image_files import LeftOut, is_hidden
from tformer_edge.images import SUFFIXES, image_size
from tformer_keras.data.boxes import Size, as_seen, clean_boxes
from tformer_keras.data.dataset import Dataset, ImageSplit, split_of_files
from tformer_keras.data.divide import divide
from tformer_keras.tasks.annotations import BoxAnnotation

ANNOTATIONS, IMAGES, LISTS = "Annotations", "JPEGImages", Path("ImageSets", "Main")
MAX_BYTES = 16 << 20


@dataclass(frozen=True)
class _Record:
    """A picture's boxes as its file has them."""

    image: Path
    said: Size | None
    names: list[str]
    boxes: list[tuple[float, float, float, float]]
    difficult: list[bool]


def is_pascal_voc(root: Path) -> bool:
    """Whether a folder has the layout of Pascal VOC, or pictures with XML files beside them."""
    if (root / ANNOTATIONS).is_dir():
        return True
    return any(path.suffix == ".xml" and not is_hidden(path.name) for path in root.iterdir())


def load_pascal_voc(root: Path, *, seed: int = 0, test_fraction: float = 0.2) -> Dataset:
    """Reads `Annotations/*.xml` and their pictures in `JPEGImages/` (or both side by side in `root`).

    The splits are those of `ImageSets/Main`: where there is test.txt, everything else that is listed (trainval.txt, or
    train.txt and val.txt) is for training; else train.txt and val.txt. Without lists `test_fraction` of the pictures,
    chosen by `seed`, become the test split.

    Classes are the names in the files, in alphabetical order. Coordinates count from 1 and include their last pixel, as
    VOC's do: a box goes from `xmin - 1` to `xmax`. Objects that are "difficult" are treated as crowds are: not learnt,
    and neither found nor missed. Pictures without objects stay. What is put right is counted in `left_out`.

    Raises UserError, one sentence that names the file: XML that is damaged, has entities, or lacks something; a picture
    that is missing or cannot be read; lists that name what is not there.
    """
    folder = root / ANNOTATIONS if (root / ANNOTATIONS).is_dir() else root
    images = root / IMAGES if (root / IMAGES).is_dir() else folder
    files = {path.stem: path for path in sorted(folder.glob("*.xml")) if not is_hidden(path.name)}
    if not files:
        raise UserError(f"XML files in {folder}", "none", "give the folder that holds Annotations")
    left_out = LeftOut()
    with ThreadPoolExecutor(8) as pool:
        records = dict(zip(files, pool.map(lambda path: _read(path, images), files.values()), strict=True))
        sizes = dict(
            zip(files, pool.map(lambda record: image_size(record.image), records.values()), strict=True)
        )
    names = sorted({name for record in records.values() for name in record.names})
    if not names:
        raise UserError(f"objects in the XML files of {folder}", "none", "annotate some")
    annotations = {
        stem: _annotation(record, *sizes[stem], names, left_out) for stem, record in records.items()
    }
    splits = _splits(root / LISTS, list(files), seed, test_fraction)

    def split(stems: Sequence[str]) -> ImageSplit:
        paths = [records[stem].image for stem in stems]
        return split_of_files(root, paths, [annotations[stem] for stem in stems])

    train, test = map(split, splits)
    return Dataset(root.resolve().name, tuple(names), train, test, task="detection", left_out=left_out.line())


def _annotation(
    record: _Record, size: Size, orientation: int, names: Sequence[str], left_out: LeftOut
) -> BoxAnnotation:
    boxes = as_seen(np.array(record.boxes).reshape(-1, 4), record.said, size, orientation)
    labels = [names.index(name) for name in record.names]
    return clean_boxes(boxes, labels, size, left_out, record.difficult)


def _read(path: Path, images: Path) -> _Record:
    document = _parse(path)
    image = _image(path, document.findtext("filename"), images)
    said = None
    size = document.find("size")
    if size is not None:
        said = int(_number(size, "height", path)), int(_number(size, "width", path))
        said = said if min(said) > 0 else None
    names, boxes, difficult = [], [], []
    for thing in document.iter("object"):
        name, box = (thing.findtext("name") or "").strip(), thing.find("bndbox")
        if not name or box is None:
            raise _lacks(path, "a name and a bndbox in each object")
        left, top, right, bottom = (_number(box, side, path) for side in ("xmin", "ymin", "xmax", "ymax"))
        names.append(name)
        boxes.append((left - 1, top - 1, right, bottom))
        difficult.append((thing.findtext("difficult") or "0").strip() == "1")
    return _Record(image, said, names, boxes, difficult)


def _parse(path: Path) -> ElementTree.Element:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(
                f"an XML file of up to {MAX_BYTES} bytes", "a longer one", "split it", where=str(path)
            )
        data = path.read_bytes()
        # Entities make a small file huge, or read other files; annotations have none.
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            raise UserError("XML without a document type", "one with it", "take it out", where=str(path))
        return ElementTree.fromstring(data)
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise UserError(
            "a readable XML file",
            first_line(error),
            "annotate that picture again, or remove it",
            where=str(path),
        ) from None


def _image(path: Path, name: str | None, images: Path) -> Path:
    """The picture that the file names, or one of the file's own name: tools that convert pictures leave old names."""
    names = [Path(name.strip().replace("\\", "/")).name] if name and name.strip() else []
    names += [path.stem + suffix for ending in sorted(SUFFIXES) for suffix in (ending, ending.upper())]
    found = next((images / one for one in names if (images / one).is_file()), None)
    if found is None:
        raise UserError(
            f"the picture {names[0]} in {images}", "none", "add it, or remove the XML file", where=str(path)
        )
    return found


def _number(element: ElementTree.Element, name: str, path: Path) -> float:
    try:
        value = float(element.findtext(name) or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _lacks(path, f"a number in every {name}")
    return value


def _lacks(path: Path, what: str) -> UserError:
    return UserError(what, "none", "correct the file", where=str(path))


def _splits(
    lists: Path, stems: Sequence[str], seed: int, test_fraction: float
) -> tuple[list[str], list[str]]:
    found = {
        name: _listed(lists / f"{name}.txt", stems)
        for name in ("train", "val", "trainval", "test")
        if (lists / f"{name}.txt").is_file()
    }
    train = found.get("trainval") or found.get("train", []) + (
        found.get("val", []) if "test" in found else []
    )
    test = found.get("test") or found.get("val", [])
    if train and test:
        return train, test
    first, second = divide(len(stems), test_fraction, seed)
    return [stems[index] for index in first], [stems[index] for index in second]


def _listed(path: Path, stems: Sequence[str]) -> list[str]:
    known = set(stems)
    try:
        # Lists of one class have a second column.
        names = [line.split()[0] for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise UserError("a list of names", first_line(error), "write it as UTF-8", where=str(path)) from None
    for name in names:
        if name not in known:
            raise UserError(
                f"an XML file for {name!r}", "none", "add it, or take it from the list", where=str(path)
            )
    return list(dict.fromkeys(names))

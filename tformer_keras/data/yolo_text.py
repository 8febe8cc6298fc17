"""Boxes in YOLO's text files: a line each, in shares of the picture."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tformer_edge.errors import UserError, first_line
from tformer_edge.image_files import LeftOut, images_below, is_hidden
from tformer_edge.images import image_size
from tformer_edge.labels import check_labels
from tformer_keras.data.boxes import clean_boxes
from tformer_keras.data.dataset import Dataset, ImageSplit, split_of_files
from tformer_keras.data.split_names import TEST, TRAIN, VALIDATION, split_of, training_and_test
from tformer_keras.tasks.annotations import BoxAnnotation

IMAGES, LABELS = "images", "labels"
NAMES = "classes.txt"
MAX_BYTES = 16 << 20
# A centre or side further out than this is no share of a picture but pixels.
FURTHEST = 1.5
# data.yaml's words for the splits.
KEYS = {"train": TRAIN, "val": VALIDATION, "valid": VALIDATION, "test": TEST}


def is_yolo(root: Path) -> bool:
    """Whether a folder has pictures in `images/` and text files in `labels/`, or both below folders of splits."""
    folders = [root, *(path for path in root.iterdir() if path.is_dir() and split_of(path.name))]
    return any(
        (folder / IMAGES).is_dir() and next((folder / LABELS).rglob("*.txt"), None) for folder in folders
    )


def load_yolo(root: Path, *, seed: int = 0, test_fraction: float = 0.2) -> Dataset:
    """Reads pictures and, for each, the text file of its name with `labels` in place of `images` in its path.

    Layouts: `images/train`, `labels/train`; `train/images`, `train/labels`; or `images`, `labels` without splits. The
    splits are those that the YAML file names (`train`, `val`, `test`: folders or lists of them), else those of the
    folders' names: with test images the others are for training, else those for validation are for testing; else
    `test_fraction` of the pictures, chosen by `seed`. Class names are the YAML file's `names` or the lines of
    `classes.txt`, in the order of the numbers in the text files.

    A line is a class, then centre x, centre y, width and height, in shares of the picture as it is seen (EXIF applied).
    Of an outline (a class and three points or more) its box is taken. A picture without a text file, or with an empty
    one, has nothing in it and stays. What is put right is counted in `left_out`.

    Raises UserError, one sentence that names the file and line: text that is no such line, a class without a name,
    coordinates in pixels, no text file at all, or pictures that cannot be read.
    """
    left_out = LeftOut()
    described = _yaml(root)
    names = _names(root, described)
    members, paths = _members(root, described, left_out)
    labels = [_label_file(path) for path in paths]
    if paths and not any(label.is_file() for label in labels):
        raise UserError(f"text files like {labels[0]}", "none", "put them there", where=str(root))
    with ThreadPoolExecutor(8) as pool:
        sizes = [size for size, _ in pool.map(image_size, paths)]
    annotations = [
        _annotation(label, size, len(names), left_out) for label, size in zip(labels, sizes, strict=True)
    ]

    def split(indices: Sequence[int]) -> ImageSplit:
        chosen = [paths[index] for index in indices]
        return split_of_files(root, chosen, [annotations[index] for index in indices])

    train, test = map(split, training_and_test(members, len(paths), seed, test_fraction))
    return Dataset(root.resolve().name, names, train, test, task="detection", left_out=left_out.line())


def _annotation(path: Path, size: tuple[int, int], classes: int, left_out: LeftOut) -> BoxAnnotation:
    if not path.is_file():
        left_out["pictures without a text file (kept: nothing is in them)"] += 1
        return clean_boxes([], [], size, left_out)
    boxes, numbers = [], []
    for place, line in enumerate(_text(path).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        number, shares = _line(words, f"{path}, line {place}", classes)
        if len(shares) > 4:
            left_out["outlines of which the box was taken"] += 1
            points = np.array(shares).reshape(-1, 2)
            box = np.concatenate([points.min(axis=0), points.max(axis=0)])
        else:
            centre, sides = np.array(shares[:2]), np.array(shares[2:])
            box = np.concatenate([centre - sides / 2, centre + sides / 2])
        boxes.append(box * np.array([size[1], size[0]] * 2))
        numbers.append(number)
    # A box of the whole picture, written with six digits, reaches a thousandth of a pixel past it: that is no fault.
    found = np.array(boxes).reshape(-1, 4)
    limits = np.array([size[1], size[0]] * 2)
    found = np.where(abs(found) < 1e-2, 0.0, np.where(abs(found - limits) < 1e-2, limits, found))
    return clean_boxes(found, numbers, size, left_out)


def _line(words: Sequence[str], where: str, classes: int) -> tuple[int, list[float]]:
    try:
        number, shares = int(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        number, shares = -1, []
    outline = len(shares) >= 6 and len(shares) % 2 == 0
    if number < 0 or not (len(shares) == 4 or outline):
        raise UserError(
            "a class, centre x, centre y, width and height, or a class and an outline's points",
            repr(" ".join(words))[:80],
            "correct the line",
            where=where,
        )
    if number >= classes:
        raise UserError(
            f"a class from 0 to {classes - 1}", str(number), "correct it, or name that class", where=where
        )
    # `not`: NaN is compared with nothing.
    if not all(abs(share) <= FURTHEST for share in shares):
        raise UserError(
            "shares of the picture, from 0 to 1",
            " ".join(words[1:])[:80],
            "divide pixels by the picture's width and height",
            where=where,
        )
    return number, shares


def _names(root: Path, described: dict[str, Any]) -> tuple[str, ...]:
    said = described.get("names")
    if said is None:
        path = next((one for one in (root / NAMES, root / LABELS / NAMES) if one.is_file()), None)
        if path is None:
            raise UserError(
                "the names of the classes",
                "none",
                f"add {NAMES}, a name a line, or data.yaml",
                where=str(root),
            )
        names = [line.strip() for line in _text(path).splitlines() if line.strip()]
    elif isinstance(said, dict) and set(said) == set(range(len(said))):
        names = [str(said[number]) for number in range(len(said))]
    elif isinstance(said, list):
        names = [str(name) for name in said]
    else:
        raise UserError(
            "names: a list, or all numbers from 0 on", repr(said)[:80], "correct data.yaml", where=str(root)
        )
    check_labels(names)
    return tuple(names)


def _members(
    root: Path, described: dict[str, Any], left_out: LeftOut
) -> tuple[dict[str, list[int]], list[Path]]:
    """The pictures, and the indices of each split among them."""
    folders = _described_folders(root, described)
    # Many files name the same folder for both.
    tested = [folder for folder, split in folders if split == TEST]
    folders = [one for one in folders if one[1] != VALIDATION or one[0] not in tested]
    if not folders:
        below = [path for path in sorted((root / IMAGES).glob("*")) if path.is_dir()]
        beside = [path / IMAGES for path in sorted(root.glob("*")) if (path / IMAGES).is_dir()]
        for folder in (*below, *beside):
            split = split_of(folder.name if folder in below else folder.parent.name)
            if split is not None and not is_hidden(folder.name):
                folders.append((folder, split))
    members: dict[str, list[int]] = {}
    paths: list[Path] = []
    for folder, split in folders:
        found = sorted(images_below(folder, left_out))
        members.setdefault(split, []).extend(range(len(paths), len(paths) + len(found)))
        paths += found
    if not folders:
        paths = sorted(images_below(root / IMAGES, left_out))
    if not paths:
        raise UserError(f"images below {root}", "none", "add some")
    if len(set(paths)) < len(paths):
        raise UserError("each picture in one split", "one in two", "correct the YAML file", where=str(root))
    return members, paths


def _described_folders(root: Path, described: dict[str, Any]) -> list[tuple[Path, str]]:
    found = []
    base = described.get("path")
    bases = [root, *([root / base] if isinstance(base, str) else [])]
    for key, split in KEYS.items():
        said = described.get(key)
        for one in said if isinstance(said, list) else [said] if said else []:
            # Roboflow writes ../train/images, from a folder that is not there.
            text = str(one)
            tried = [place / name for place in bases for name in (text, text.removeprefix("../"))]
            folder = next(
                (path for path in tried if path.is_dir() and path.resolve().is_relative_to(root.resolve())),
                None,
            )
            if folder is None:
                raise UserError(
                    f"a folder in {root} for {key}: of the YAML file",
                    repr(one)[:80],
                    "correct it",
                    where=str(root),
                )
            found.append((root / folder.resolve().relative_to(root.resolve()), split))
    return found


def _yaml(root: Path) -> dict[str, Any]:
    """The YAML file with the classes' names; nothing where there is none."""
    import yaml

    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        try:
            document = yaml.safe_load(_text(path))
        except (yaml.YAMLError, RecursionError) as error:
            raise UserError(
                "a readable YAML file", first_line(error), "correct it", where=str(path)
            ) from None
        if isinstance(document, dict) and "names" in document:
            return document
    return {}


def _label_file(image: Path) -> Path:
    parts = list(image.parts)
    place = len(parts) - 1 - parts[::-1].index(IMAGES) if IMAGES in parts else None
    if place is not None:
        parts[place] = LABELS
    return Path(*parts).with_suffix(".txt")


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"a text of up to {MAX_BYTES} bytes", "a longer one", "split it", where=str(path))
        return path.read_text("utf-8-sig")
    except (OSError, ValueError) as error:
        raise UserError(
            "a readable text file", first_line(error), "write it as UTF-8", where=str(path)
        ) from None

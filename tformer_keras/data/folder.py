"""A folder of images, one subfolder a class, as a dataset."""

import os
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.image_files import LeftOut, images_below, is_hidden, is_image_name
from tformer_edge.images import SUFFIXES, ImageError, check_image, open_image
from tformer_edge.labels import check_labels
from tformer_edge.printable import printable
from tformer_keras.data.dataset import Dataset, ImageSplit, split_of_files
from tformer_keras.data.progress_bar import progress
from tformer_keras.data.stratified import stratified_split

TEST_FOLDERS = ("test", "val")

Classes = dict[str, list[Path]]


def load_folder(
    root: Path, *, seed: int = 0, test_fraction: float = 0.2, skip_unreadable: bool = False
) -> Dataset:
    """Finds the images of `root` and checks that they can be used.

    Layouts, the first that fits:
    - `train/CLASS/…` with `test/CLASS/…` (or, where there is no test/, `val/CLASS/…`);
    - `train/CLASS/…` alone, or `CLASS/…` directly: a stratified share of `test_fraction` becomes the test
      split, chosen by `seed`.

    A class's images are those files below its folder, at any depth, that `image_files` takes for images; what it
    leaves out is counted in the dataset's `left_out`. Labels follow the sorted class names.

    Every file's header is read here, in parallel; a file that is damaged behind its header is found when the
    loader decodes it. With `skip_unreadable` every file is decoded here, and those that fail are left out and
    listed in the dataset's `skipped`.

    Raises UserError, one sentence that names the file or folder: no such folder, no class folders, a single
    class, a class without images (after skipping, too), test classes that differ from the training classes,
    unreadable files, or a class too small to be split.
    """
    root = Path(root)
    train_root, test_root = _find_roots(root)
    left_out = LeftOut()
    classes = _find_classes(train_root, left_out)
    if len(classes) < 2:
        raise UserError(
            f"at least two class folders in {train_root}",
            f"only {next(iter(classes))!r}",
            "add a folder of images for another class",
        )
    test_classes = _find_classes(test_root, left_out) if test_root else {}
    if test_root and set(test_classes) != set(classes):
        raise UserError(
            f"the classes of {test_root} to be those of {train_root}",
            _differences(set(classes), set(test_classes)),
            "make the folders match",
        )
    splits = [classes, test_classes]
    for split_root, found in zip((train_root, test_root), splits, strict=True):
        _refuse_empty_class(split_root, found, "has none of the files " + " ".join(sorted(SUFFIXES)))
    skipped = _check_files(
        [path for found in splits for paths in found.values() for path in paths], skip_unreadable
    )
    for split_root, found in zip((train_root, test_root), splits, strict=True):
        for name, paths in found.items():
            found[name] = [path for path in paths if path not in skipped]
        _refuse_empty_class(split_root, found, "has only unreadable ones")
    if test_root:
        train = split_of_files(root, *_files_and_labels(classes))
        test = split_of_files(root, *_files_and_labels(test_classes))
    else:
        train, test = _divide(root, train_root, classes, test_fraction, seed)
    return Dataset(
        name=root.resolve().name,
        class_names=tuple(classes),
        train=train,
        test=test,
        skipped=tuple(f"{_relative(root, path)}: {reason}" for path, reason in skipped.items()),
        left_out=left_out.line(),
    )


def _find_roots(root: Path) -> tuple[Path, Path | None]:
    if not root.exists():
        raise UserError("'digits' or a folder of images", f"{root}, which does not exist", "correct the path")
    if not root.is_dir():
        raise UserError("a folder of images", f"the file {root}", "unpack it if it is an archive")
    test_root = next((root / name for name in TEST_FOLDERS if (root / name).is_dir()), None)
    if (root / "train").is_dir():
        return root / "train", test_root
    if test_root:
        raise UserError(f"a folder {root / 'train'} beside {test_root}", "none", "add it")
    return root, None


def _find_classes(root: Path, left_out: LeftOut) -> Classes:
    """The class folders of `root` in sorted order, each with its image files in sorted order."""
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir() and not is_hidden(entry.name))
    if not folders:
        loose = sum(is_image_name(entry.name) for entry in root.iterdir())
        received = f"{loose} images directly in it" if loose else "none"
        raise UserError(f"class folders in {root}", f"{received}", "give the images of each class a folder")
    _check_names([folder.name for folder in folders], root)
    return {folder.name: sorted(images_below(folder, left_out)) for folder in folders}


def _check_names(names: Sequence[str], root: Path) -> None:
    """Refuses class names that no model file may hold, and pairs that only a computer tells apart."""
    seen: dict[str, str] = {}
    for name in names:
        try:
            check_labels([name])
        except UserError as error:
            raise UserError(
                error.expected, error.received, "rename the folder", where=printable(str(root))
            ) from None
        other = seen.setdefault(unicodedata.normalize("NFC", name), name)
        if other != name:
            raise UserError(
                "class folders whose names differ to the eye",
                f"{_spelt(other)} and {_spelt(name)}, which are written in two ways",
                "put their images into one",
                where=printable(str(root)),
            )


def _spelt(name: str) -> str:
    return f"{name!r} ({' '.join(f'U+{ord(letter):04X}' for letter in name)})"


def _differences(expected: set[str], received: set[str]) -> str:
    parts = []
    for verb, names in (("no", expected - received), ("the unknown", received - expected)):
        if names:
            listed = sorted(names)
            more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
            parts.append(f"{verb} " + ", ".join(repr(name) for name in listed[:3]) + more)
    return " and ".join(parts)


def _refuse_empty_class(root: Path | None, classes: Classes, what: str) -> None:
    for name, paths in classes.items():
        if root and not paths:
            raise UserError(
                "images in every class folder",
                f"{root / name}, which {what}",
                "add images, or remove the folder",
            )


def _check_files(paths: Sequence[Path], skip_unreadable: bool) -> dict[Path, str]:
    """The unreadable ones among `paths` with the reason; raises UserError unless they are to be skipped."""
    check: Callable[[Path], object] = open_image if skip_unreadable else check_image

    def failures(part: Sequence[Path]) -> dict[Path, str]:
        found = {}
        for path in part:
            try:
                check(path)
            except ImageError as error:
                found[path] = error.reason
        return found

    unreadable: dict[Path, str] = {}
    parts = [paths[start : start + 128] for start in range(0, len(paths), 128)]
    # More threads than cores, because on network disks most of the time is waiting.
    with (
        ThreadPoolExecutor(min(16, 4 + (os.cpu_count() or 1))) as pool,
        progress("Checking images", len(paths)) as done,
    ):
        for part, found in zip(parts, pool.map(failures, parts), strict=True):
            unreadable |= found
            done(len(part))
    if unreadable and not skip_unreadable:
        path, reason = next(iter(unreadable.items()))
        others = f" (and {len(unreadable) - 1} more like it)" if len(unreadable) > 1 else ""
        raise UserError(
            "readable images",
            f"{path}{others}: {reason}",
            "replace or remove it, or pass --skip-unreadable to go on without",
        )
    return unreadable


def _files_and_labels(classes: Classes) -> tuple[list[Path], NDArray[np.int32]]:
    paths = [path for found in classes.values() for path in found]
    labels = [label for label, found in enumerate(classes.values()) for _ in found]
    return paths, np.array(labels, np.int32)


def _divide(
    root: Path, train_root: Path, classes: Classes, test_fraction: float, seed: int
) -> tuple[ImageSplit, ImageSplit]:
    for name, found in classes.items():
        if len(found) < 2:
            raise UserError(
                "at least 2 images in each class folder to set some apart for testing",
                f"1 in {train_root / name}",
                "add images, or a test folder",
            )
    paths, labels = _files_and_labels(classes)
    train, test = stratified_split(labels, test_fraction, seed)
    return (
        split_of_files(root, [paths[index] for index in train], labels[train]),
        split_of_files(root, [paths[index] for index in test], labels[test]),
    )


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()

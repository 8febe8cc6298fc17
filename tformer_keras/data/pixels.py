"""Pixels for calibration and measurements: uint8, resized and cropped as the model's preprocessing says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.image_files import LeftOut, images_below
from tformer_edge.images import SUFFIXES, open_image
from tformer_edge.preprocessing import Preprocessing, fast_resize
from tformer_keras.data.dataset import ImageSplit
from tformer_keras.data.placement import Placement
from tformer_keras.data.progress_bar import progress
from tformer_keras.tasks.task import Task

CHUNK = 256  # images in memory at a time


@dataclasses.dataclass(frozen=True)
class CalibrationImages:
    """Images to calibrate with.

    Attributes:
        pixels: uint8 (n, height, width, 3).
        found: images that were there to choose from.
        resized: how many of those chosen were of another size than the model's input.
    """

    pixels: NDArray[np.uint8]
    found: int
    resized: int


def read_calibration(folder: Path, preprocessing: Preprocessing, count: int) -> CalibrationImages:
    """Up to `count` images of a folder, at any depth, evenly spaced in the order of their paths.

    Where there is a folder `train` in it, only that one counts: test images must not shape the model.

    Raises:
        UserError: there is no such folder, no image in it, or one that cannot be read.
    """
    if not folder.is_dir():
        raise UserError("a folder of images for calibration", f"{folder}", "correct the path")
    root = folder / "train" if (folder / "train").is_dir() else folder
    files = sorted(images_below(root, LeftOut()))
    if not files:
        raise UserError(
            f"images for calibration in {root}",
            f"none of the files {' '.join(sorted(SUFFIXES))}",
            "give a folder of some hundred typical images",
        )
    chosen = [files[index] for index in spaced(len(files), count)]
    sizes: list[tuple[int, ...]] = []

    def read(index: int) -> NDArray[np.uint8]:
        image = open_image(chosen[index])
        sizes.append(image.shape[:2])
        return preprocessing.pixels(image)

    pixels = _read_all(read, range(len(chosen)))
    return CalibrationImages(pixels, len(files), sum(size != preprocessing.input_size for size in sizes))


def spaced(total: int, count: int) -> list[int]:
    """Up to `count` of the indices 0 to `total` - 1, evenly spaced."""
    return [index * total // min(count, total) for index in range(min(count, total))]


def split_pixels(
    split: ImageSplit, preprocessing: Preprocessing, indices: Sequence[int]
) -> NDArray[np.uint8]:
    """Images of a split by index, uint8 (n, height, width, 3)."""
    return _read_all(lambda index: preprocessing.pixels(split.pixels(index)), indices)


def pixel_batches(
    split: ImageSplit,
    preprocessing: Preprocessing,
    task: Task,
    classes: int,
    what: str,
    indices: Sequence[int],
) -> Iterator[tuple[NDArray[np.uint8], tuple[NDArray[Any], ...], NDArray[np.float32]]]:
    """(pixels, truth, weights of 1) of some images of a split, as `tasks.task.evaluate` takes them.

    `what` is being done with them, for the progress bar.
    """
    size = preprocessing.input_size

    def read(index: int) -> tuple[NDArray[np.uint8], Placement]:
        image = split.pixels(index)
        return preprocessing.pixels(image), Placement(preprocessing.seen(*image.shape[:2]))

    with progress(what, len(indices)) as report, ThreadPoolExecutor(2) as pool:
        for start in range(0, len(indices), CHUNK):
            part = indices[start : start + CHUNK]
            pixels, placements = zip(*pool.map(read, part), strict=True)
            truth = task.encode([split.annotation(index) for index in part], placements, size, classes)
            yield np.stack(pixels), truth, np.ones(len(part), np.float32)
            report(len(part))


def _read_all(read: Callable[[int], NDArray[np.uint8]], indices: Sequence[int]) -> NDArray[np.uint8]:
    with ThreadPoolExecutor(2) as pool:
        return np.stack(list(pool.map(read, indices)))


def synthetic_pixels(count: int, size: tuple[int, int], channels: int = 3) -> NDArray[np.uint8]:
    """Images that are the same every time, uint8 (count, *size, channels): noise, and smooth colours by turns."""
    random = np.random.default_rng(0)
    images = []
    for number in range(count):
        if number % 2:
            coarse = random.integers(0, 256, (5, 5, channels), dtype=np.uint8)
            images.append(fast_resize(coarse, size))
        else:
            images.append(random.integers(0, 256, (*size, channels), dtype=np.uint8))
    return np.stack(images)

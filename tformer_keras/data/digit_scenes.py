"""Scenes of real handwritten digits, drawn by the package: where each digit is, is known to the pixel."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_keras.data.dataset import Dataset, ImageSplit
from tformer_keras.data.digits import load_digits
from tformer_keras.tasks.annotations import BoxAnnotation, MaskAnnotation

DIGIT_SCENES, DIGIT_SCENE_MASKS = "digit-scenes", "digit-scenes-masks"
SIDE = 96
TRAIN, TEST = 800, 160
DIGITS_AT_MOST = 5
SMALLEST, LARGEST = 16, 44
# Of the ink of a digit, 0 to 255: from here on a pixel belongs to it.
INK = 110
# Of a digit's frame that another one may cover.
COVERED = 0.1
TRIES = 20
GROUND = 10  # the class of what is no digit, behind the ten


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture.

    Attributes:
        pixels: uint8 (96, 96, 3).
        mask: int32 (96, 96): the digit of each pixel, `GROUND` where there is none.
        boxes: (n, 4) float64: left, top, right, bottom around each digit's own pixels.
        labels: (n,) int64.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.int32]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]


def load_digit_scenes(
    masks: bool = False, *, seed: int = 0, test_fraction: float = 0.2, side: int = SIDE
) -> Dataset:
    """800 scenes for training and 160 of other digits for testing, 96 × 96 pixels with none to five digits each.

    Digits of 16 to 44 pixels in any colour lie on a ground of two colours and noise and hardly cover each other. A
    scene is a function of (seed, split, index) alone.

    Args:
        masks: the class of each pixel, ten digits and the ground, instead of boxes.
        seed: 0 or more; also of the split of the digits.
        test_fraction: of the digits that appear in test scenes alone.
        side: of the scenes in pixels, at least 64.
    """
    digits = load_digits(seed=seed, test_fraction=test_fraction)

    def split(source: ImageSplit, count: int, number: int) -> ImageSplit:
        glyphs = [source.pixels(index)[..., 0] for index in range(len(source))]
        labels = [int(source.annotation(index)) for index in range(len(source))]

        @functools.lru_cache(maxsize=count)
        def scene(index: int) -> Scene:
            return draw_scene(glyphs, labels, np.random.default_rng([seed, number, index]), side)

        def annotation(index: int) -> BoxAnnotation | MaskAnnotation:
            if masks:
                return MaskAnnotation((side, side), lambda: scene(index).mask)
            found = scene(index)
            areas = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(axis=1)
            return BoxAnnotation((side, side), found.boxes, found.labels, np.zeros(len(areas), bool), areas)

        name = DIGIT_SCENE_MASKS if masks else DIGIT_SCENES
        return ImageSplit(
            names=tuple(f"{name}/{'train' if number == 0 else 'test'}/{index}" for index in range(count)),
            annotations=[annotation(index) for index in range(count)],
            read=lambda index: scene(index).pixels,
        )

    return Dataset(
        name=DIGIT_SCENE_MASKS if masks else DIGIT_SCENES,
        class_names=(*digits.class_names, "ground") if masks else digits.class_names,
        train=split(digits.train, TRAIN, 0),
        test=split(digits.test, TEST, 1),
        task="segmentation" if masks else "detection",
        mirrored=False,
    )


def draw_scene(
    glyphs: Sequence[NDArray[np.uint8]], labels: Sequence[int], random: np.random.Generator, side: int
) -> Scene:
    """A scene of digits taken from `glyphs`, uint8 (8, 8) of ink 0 to 255 each."""
    low, high = random.integers(0, 256, (2, 3))
    slope = np.linspace(0, 1, side)
    ramp = slope[:, None] if random.random() < 0.5 else slope[None, :]
    picture = low + np.broadcast_to(ramp, (side, side))[..., None] * (high - low) * 0.5
    picture = picture + random.normal(0, 10, (side, side, 3))
    mask = np.full((side, side), GROUND, np.int32)
    taken: list[tuple[int, int, int]] = []
    boxes, found = [], []
    for _ in range(int(random.integers(0, DIGITS_AT_MOST + 1))):
        number, size = int(random.integers(len(glyphs))), int(random.integers(SMALLEST, LARGEST + 1))
        place = _free_place(taken, size, side, random)
        if place is None:
            continue
        top, left = place
        taken.append((top, left, size))
        ink = np.asarray(Image.fromarray(glyphs[number]).resize((size, size), Image.Resampling.BILINEAR))
        under = picture[top : top + size, left : left + size]
        colour = _contrasting(under.mean(axis=(0, 1)), random)
        share = (ink / 255.0)[..., None]
        picture[top : top + size, left : left + size] = under + share * (colour - under)
        inside = ink >= INK
        mask[top : top + size, left : left + size][inside] = labels[number]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        boxes.append((left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1))
        found.append(labels[number])
    pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return Scene(pixels, mask, np.array(boxes, np.float64).reshape(-1, 4), np.array(found, np.int64))


def _free_place(
    taken: Sequence[tuple[int, int, int]], size: int, side: int, random: np.random.Generator
) -> tuple[int, int] | None:
    """(top, left) of a frame that covers no other one by more than `COVERED`; None after `TRIES` misses."""
    for _ in range(TRIES):
        top, left = (int(value) for value in random.integers(0, side - size + 1, 2))
        for other_top, other_left, other in taken:
            height = min(top + size, other_top + other) - max(top, other_top)
            width = min(left + size, other_left + other) - max(left, other_left)
            if max(height, 0) * max(width, 0) > COVERED * min(size, other) ** 2:
                break
        else:
            return top, left
    return None


def _contrasting(under: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """A colour that is legible on another: of those drawn, the first whose luma is far enough."""
    luma = np.array([0.299, 0.587, 0.114])
    for _ in range(TRIES):
        colour = random.integers(0, 256, 3).astype(np.float64)
        if abs(colour @ luma - under @ luma) > 90:
            return colour
    return np.full(3, 0.0 if under @ luma > 127 else 255.0)

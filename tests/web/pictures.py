"""Pictures of many sizes: scikit-learn's two photographs, parts of them, its handwritten digits; and drawn cells."""

import io
from pathlib import Path

import numpy as np
import sklearn.datasets
from PIL import Image, ImageDraw, ImageFilter

from tests.android.photo_crops import Picture, crops

SEED = 20261130
# Discs of a drawn cell: radius in pixels, colour.
RED = ((28, (196, 150, 150)), (14, (208, 172, 170)))
WHITE = ((38, (150, 90, 170)), (24, (90, 40, 130)))
PLATELET = ((6, (140, 90, 170)),)


def photographs() -> list[Path]:
    """JPEG files of 640 × 427 pixels."""
    return sorted((Path(sklearn.datasets.__file__).parent / "images").glob("*.jpg"))


def photo_parts(count: int, sides: tuple[int, int]) -> list[Picture]:
    """`count` parts of each photograph, their sides even in the logarithm: many are enlarged, many reduced."""
    generator = np.random.default_rng(SEED)
    parts = []
    for path in photographs():
        parts += crops(np.asarray(Image.open(path).convert("RGB")), generator, count, sides)
    return parts


def digits(count: int) -> list[Picture]:
    """Handwritten digits of 8 × 8 pixels, grey in three channels."""
    images = sklearn.datasets.load_digits().images[:count]
    return [np.repeat((one * 255 / 16).astype(np.uint8)[..., None], 3, axis=2) for one in images]


def cells(count: int, size: tuple[int, int]) -> list[Picture]:
    """Drawn blood smears of `size` (height, width), in which a detector of cells finds some of each kind."""
    generator = np.random.default_rng(SEED)
    pictures = []
    for _ in range(count):
        image = Image.new("RGB", size[::-1], (222, 205, 198))
        pen = ImageDraw.Draw(image)
        for kind in [RED] * int(generator.integers(5, 12)) + [WHITE] + [PLATELET] * 4:
            y, x = (int(generator.integers(kind[0][0], side - kind[0][0])) for side in size)
            for radius, colour in kind:
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        pictures.append(np.asarray(image.filter(ImageFilter.GaussianBlur(2))))
    return pictures


def png(picture: Picture) -> bytes:
    """A file whose decoder cannot but give the same pixels."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()

"""Real pictures of many sizes: scikit-learn's two photographs, parts of them, and its handwritten digits."""

import io
from pathlib import Path

import numpy as np
import sklearn.datasets
from PIL import Image

from tests.android.photo_crops import Picture, crops

SEED = 20261130


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


def png(picture: Picture) -> bytes:
    """A file whose decoder cannot but give the same pixels."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()

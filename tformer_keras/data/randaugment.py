"""RandAugment (Cubuk et al., CVPR Workshops 2020): every image draws its own operations, which Pillow carries out.

Pillow, because the paper's authors and everybody since mean its operations by these names; because they work on uint8,
image by image, without Python's lock; and because a process that only makes batches needs no framework for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

# The fourteen operations of section 3, in the paper's order.
OPERATIONS = (
    "identity",
    "auto_contrast",
    "equalize",
    "rotate",
    "solarize",
    "color",
    "posterize",
    "contrast",
    "brightness",
    "sharpness",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
)
MAGNITUDES = 10.0
DRAWS_PER_OPERATION = 4  # which operation, its sign, and two for the magnitude's normal noise
_FILL = (128, 128, 128)  # grey, for what geometry brings in from outside; not stated by the paper
_MAGNITUDE_DEVIATION = 0.5  # PoolFormer's and DeiT's "mstd0.5"; the paper holds the magnitude constant
_SHEAR, _TRANSLATION, _DEGREES, _ENHANCEMENT = 0.3, 0.45, 30.0, 0.9  # AutoAugment's, at magnitude 10


def rand_augment(
    image: NDArray[np.uint8], operations: int, magnitude: float, draws: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Applies `operations` random operations to an image.

    Operations are drawn uniformly, with replacement. The magnitude of each is normal about `magnitude` with a
    deviation of 0.5, and a coin gives its sign where it has one. Magnitude 10 means, as in AutoAugment (CVPR 2019):
    rotation 30 degrees, shear 0.3, translation 0.45 of the side, solarize from 0, posterize to 4 bits and
    enhancement 0.1 or 1.9.

    Args:
        image: uint8 (H, W, 3).
        operations: how many.
        magnitude: 0..10.
        draws: float64 (operations * DRAWS_PER_OPERATION,) in [0, 1).

    Returns:
        uint8 (H, W, 3).
    """
    picture = Image.fromarray(image)
    for which, sign, first, second in draws.reshape(operations, DRAWS_PER_OPERATION).tolist():
        name = OPERATIONS[int(which * len(OPERATIONS))]
        # Box-Muller; 1 - first lies in (0, 1], so the logarithm is finite.
        noise = math.sqrt(-2.0 * math.log(1.0 - first)) * math.cos(2.0 * math.pi * second)
        strength = min(max(magnitude + _MAGNITUDE_DEVIATION * noise, 0.0), MAGNITUDES) / MAGNITUDES
        picture = apply_operation(name, picture, strength if sign >= 0.5 else -strength)
    return np.asarray(picture)


def apply_operation(name: str, picture: Image.Image, signed: float) -> Image.Image:
    """Applies one operation of OPERATIONS.

    Args:
        picture: RGB.
        signed: -1..1; operations that know no direction take its absolute value.
    """
    return _APPLY[name](picture, signed)


def _affine(picture: Image.Image, coefficients: tuple[float, ...]) -> Image.Image:
    return picture.transform(
        picture.size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=_FILL
    )


def _enhance(enhancer: Callable[[Image.Image], ImageEnhance._Enhance]) -> Callable[..., Image.Image]:
    return lambda picture, signed: enhancer(picture).enhance(1.0 + _ENHANCEMENT * signed)


_APPLY: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "identity": lambda picture, signed: picture,
    "auto_contrast": lambda picture, signed: ImageOps.autocontrast(picture),
    "equalize": lambda picture, signed: ImageOps.equalize(picture),
    "rotate": lambda picture, signed: picture.rotate(
        _DEGREES * signed, Image.Resampling.BILINEAR, fillcolor=_FILL
    ),
    "solarize": lambda picture, signed: ImageOps.solarize(picture, round(256.0 * (1.0 - abs(signed)))),
    "color": _enhance(ImageEnhance.Color),
    "posterize": lambda picture, signed: ImageOps.posterize(picture, 8 - round(4.0 * abs(signed))),
    "contrast": _enhance(ImageEnhance.Contrast),
    "brightness": _enhance(ImageEnhance.Brightness),
    "sharpness": _enhance(ImageEnhance.Sharpness),
    # Output to input: reading further left moves the picture right. Shears keep the first row or column in its place.
    "shear_x": lambda picture, signed: _affine(picture, (1, _SHEAR * signed, 0, 0, 1, 0)),
    "shear_y": lambda picture, signed: _affine(picture, (1, 0, 0, _SHEAR * signed, 1, 0)),
    "translate_x": lambda picture, signed: _affine(
        picture, (1, 0, -_TRANSLATION * signed * picture.width, 0, 1, 0)
    ),
    "translate_y": lambda picture, signed: _affine(
        picture, (1, 0, 0, 0, 1, -_TRANSLATION * signed * picture.height)
    ),
}

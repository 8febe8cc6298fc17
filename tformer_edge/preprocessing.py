"""From an image to what a model takes: resize, crop and normalisation, on servers and devices alike."""

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge import resize as exact
from tformer_edge.errors import UserError
from tformer_edge.images import open_image

Resize = Literal["stretch", "shorter"]

MAX_SIDE = 8192
# Over this many resized pixels only the part that the crop keeps is computed, by the slower NumPy form of the
# rule: a 1 x 10,000 image scaled up to a shorter side of 256 would take 655 million pixels, nearly all
# cropped away.
_MAX_RESIZED_PIXELS = 1 << 24

_KEYS = ("input_size", "channel_order", "mean", "std", "resize", "crop_fraction")


@dataclass(frozen=True)
class Preprocessing:
    """How an RGB image becomes a model's input.

    Attributes:
        input_size: (height, width) in pixels, each 1 to 8192.
        resize: "stretch" resizes the whole image to `input_size`, changing its aspect ratio. "shorter" keeps
            the aspect ratio: the image just covers (floor(height / crop_fraction + 0.5), floor(width /
            crop_fraction + 0.5)), its longer side rounded down, and the centre of `input_size` is cut out at
            offset floor((resized - input) / 2).
        crop_fraction: the part of the covered size that the crop keeps, over 0 to 1; 1 for "stretch".
        mean, std: per channel, in units where white is 1; `std` is positive.
        channel_order: "rgb", the only one.

    The defaults of `mean` and `std` are ImageNet's. Resizing is bilinear with antialiasing as `resize.py`
    defines it. Raises UserError for a value outside these ranges.
    """

    input_size: tuple[int, int]
    resize: Resize = "shorter"
    crop_fraction: float = 1.0
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    channel_order: Literal["rgb"] = "rgb"

    def __post_init__(self) -> None:
        sides = _tuple_of(self.input_size, 2, "input_size", "(height, width) of two integers")
        if not all(type(side) is int and 1 <= side <= MAX_SIDE for side in sides):
            raise UserError(
                f"two integers from 1 to {MAX_SIDE}", repr(self.input_size), "correct it", where="input_size"
            )
        if self.resize not in get_args(Resize):
            raise UserError(
                f"one of {', '.join(get_args(Resize))}", repr(self.resize), "take one of them", where="resize"
            )
        if not _is_number(self.crop_fraction) or not 0 < self.crop_fraction <= 1:
            raise UserError(
                "over 0 and up to 1", repr(self.crop_fraction), "correct it", where="crop_fraction"
            )
        if self.resize == "stretch" and self.crop_fraction != 1:
            raise UserError(
                "1 with resize 'stretch', which never crops",
                repr(self.crop_fraction),
                "leave it out, or take resize 'shorter'",
                where="crop_fraction",
            )
        # As docs/contract.md rounds it; a quotient by a number near 0 is infinite, and not less.
        if not max(sides) / self.crop_fraction + 0.5 < 4 * MAX_SIDE + 1:
            raise UserError(
                f"input_size / crop_fraction up to {4 * MAX_SIDE}",
                f"{self.input_size!r} / {self.crop_fraction!r}",
                "take a smaller input, or crop less",
            )
        means = _tuple_of(self.mean, 3, "mean", "three numbers from 0 to 1")
        if not all(_is_number(value) and 0 <= value <= 1 for value in means):
            raise UserError("three numbers from 0 to 1", repr(self.mean), "correct it", where="mean")
        stds = _tuple_of(self.std, 3, "std", "three positive numbers")
        if not all(_is_number(value) and 1e-6 <= value <= 1e6 for value in stds):
            raise UserError("three numbers from 1e-6 to 1e6", repr(self.std), "correct it", where="std")
        if self.channel_order != "rgb":
            raise UserError("'rgb'", repr(self.channel_order), "there is no other", where="channel_order")
        # Lists (from JSON) become tuples and integers floats, so that equal settings compare and hash equal.
        object.__setattr__(self, "input_size", tuple(sides))
        object.__setattr__(self, "crop_fraction", float(self.crop_fraction))
        object.__setattr__(self, "mean", tuple(map(float, means)))
        object.__setattr__(self, "std", tuple(map(float, stds)))

    def __call__(self, image: NDArray[np.uint8] | Image.Image) -> NDArray[np.float32]:
        """`normalise(pixels(image))`: float32 of shape (height, width, 3)."""
        return self.normalise(self.pixels(image))

    def pixels(self, image: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
        """Resizes and crops `image`, uint8 RGB of shape (h, w, 3) or a Pillow image, to uint8 (height, width, 3)."""
        array = open_image(image) if isinstance(image, Image.Image) else image
        if (
            not isinstance(array, np.ndarray)
            or array.dtype != np.uint8
            or array.ndim != 3
            or array.shape[2] != 3
        ):
            received = (
                f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            )
            raise UserError("a uint8 array of shape (height, width, 3)", received, "convert it")
        if 0 in array.shape:
            raise UserError("an image of at least one pixel", f"shape {array.shape}", "leave it out")
        size = self.resized_size((array.shape[0], array.shape[1]))
        height, width = self.input_size
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        if size[0] * size[1] > _MAX_RESIZED_PIXELS:
            return exact.resize(array, size, (top, left, height, width))
        resized = fast_resize(array, size)
        return resized[top : top + height, left : left + width].copy()

    def resized_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) to which an image of `size` = (height, width) is resized before the crop."""
        if self.resize == "stretch":
            return self.input_size
        height, width = size
        cover_height, cover_width = (_covered(side, self.crop_fraction) for side in self.input_size)
        # The larger of the two scales covers; compared and applied in integers, so that all languages agree.
        if cover_height * width >= cover_width * height:
            return cover_height, width * cover_height // height
        return height * cover_width // width, cover_width

    def seen(self, height: int, width: int) -> tuple[float, float, float, float]:
        """(top, left, height, width), in pixels of a picture of this size, of what the input shows of it."""
        if self.resize == "stretch":
            return 0.0, 0.0, float(height), float(width)
        rows, columns = self.resized_size((height, width))
        tall, wide = self.input_size
        top, left = (rows - tall) // 2, (columns - wide) // 2
        down, across = height / rows, width / columns  # pixels of the picture a resized one
        return top * down, left * across, tall * down, wide * across

    def normalise(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """(pixels / 255 - mean) / std as float32, for `pixels` of shape (..., 3) and range 0 to 255.

        uint8 goes through a table of 256 entries a channel, computed in float64. float32 (augmented pixels,
        which are no integers any more) is computed in float32 and may differ from the table in the last bits.
        """
        if pixels.ndim < 1 or pixels.shape[-1] != 3 or pixels.dtype not in (np.uint8, np.float32):
            raise UserError(
                "pixels of dtype uint8 or float32 and shape (..., 3)",
                f"{pixels.dtype} {pixels.shape}",
                "convert them",
            )
        if pixels.dtype == np.float32:
            scale, offset = _affine(self.mean, self.std)
            return pixels * scale + offset
        table = _table(self.mean, self.std)
        result = np.empty(pixels.shape, np.float32)
        for channel in range(3):
            result[..., channel] = table[channel][pixels[..., channel]]
        return result

    def to_json(self) -> dict[str, Any]:
        """The settings as a dictionary of JSON types."""
        return {
            "input_size": list(self.input_size),
            "channel_order": self.channel_order,
            "mean": list(self.mean),
            "std": list(self.std),
            "resize": self.resize,
            "crop_fraction": self.crop_fraction,
        }

    @classmethod
    def from_json(cls, data: Any) -> "Preprocessing":
        """Reads what `to_json` wrote: every key, and no other. Raises UserError otherwise; nothing is guessed."""
        if not isinstance(data, dict):
            raise UserError(
                "a JSON object", type(data).__name__, "write what `to_json` gives", where="preprocessing"
            )
        missing = [key for key in _KEYS if key not in data]
        unknown = [str(key) for key in data if key not in _KEYS]
        if missing or unknown:
            lacks = f"one without {', '.join(missing)}" if missing else ""
            adds = f"one with the unknown {', '.join(unknown)}" if unknown else ""
            raise UserError(
                f"the keys {', '.join(_KEYS)}",
                " and ".join(part for part in (lacks, adds) if part),
                "write what `to_json` gives",
                where="preprocessing",
            )
        return cls(**data)


def fast_resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """`resize.resize` of an RGB image by Pillow's C code: uint8 (h, w, 3) to `size` = (height, width).

    One call an axis, because Pillow chooses which axis goes first by itself, from version 13 on differently
    (vertical first for many images that shrink more in height), and the uint8 between the passes makes that
    visible: up to 1.
    """
    height, width = size
    if image.shape[:2] == size:
        return image
    narrow = Image.fromarray(image).resize((width, image.shape[0]), Image.Resampling.BILINEAR)
    return np.array(narrow.resize((width, height), Image.Resampling.BILINEAR))


def _covered(side: int, crop_fraction: float) -> int:
    return math.floor(side / crop_fraction + 0.5)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _tuple_of(value: Any, length: int, name: str, what: str) -> tuple[Any, ...]:
    if not isinstance(value, (tuple, list)) or len(value) != length:
        raise UserError(what, repr(value), "correct it", where=name)
    return tuple(value)


@functools.lru_cache(maxsize=16)
def _table(mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    values = np.arange(256, dtype=np.float64) / 255
    table = ((values - np.array(mean)[:, None]) / np.array(std)[:, None]).astype(np.float32)
    table.setflags(write=False)
    return table


@functools.lru_cache(maxsize=16)
def _affine(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scale = 1 / (255 * np.array(std, np.float64))
    return scale.astype(np.float32), (-np.array(mean) / np.array(std)).astype(np.float32)

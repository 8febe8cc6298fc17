"""From an image to what a model takes: resize, crop and normalisation, on servers and devices alike."""

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge import resize as exact
from tformer_edge.errors import UserError
from tformer_edge.frame import Frame
from tformer_edge.images import open_image
from tformer_edge.preprocessing_checks import ChannelOrder, Encoding, Resize, checked, covered

# Over this many resized pixels only the part that the crop keeps is computed, by the slower NumPy form of the
# rule: a 1 x 10,000 image scaled up to a shorter side of 256 would take 655 million pixels, nearly all
# cropped away.
_MAX_RESIZED_PIXELS = 1 << 24
# Numbers that are looked up at a time: their places, of 8 bytes each, stay in a processor's cache.
_TABLE_PIXELS = 1 << 15

_KEYS = ("input_size", "channel_order", "mean", "std", "resize", "crop_fraction")
# Keys that stand only where they say something, so that what was written before them reads and is written as ever.
_LATER_KEYS = {"encoding": "normalised", "pad_value": None}

# Of a grey picture: Pillow's "L", (19595 R + 38470 G + 7471 B + 32768) >> 16.
GREY = (19595, 38470, 7471)


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes a model's input.

    Attributes:
        input_size: (height, width) in pixels, each 1 to 8192.
        resize: "stretch" resizes the whole image to `input_size`, changing its aspect ratio. "shorter" keeps
            the aspect ratio: the image just covers (floor(height / crop_fraction + 0.5), floor(width /
            crop_fraction + 0.5)), its longer side rounded down, and the centre of `input_size` is cut out at
            offset floor((resized - input) / 2). "letterbox" keeps it too: the image just fits into `input_size`,
            its shorter side rounded down but at least 1, at offset floor((input - resized) / 2) of a ground
            of `pad_value`.
        crop_fraction: the part of the covered size that the crop keeps, over 0 to 1; 1 but for "shorter".
        mean, std: per channel, in units where white is 1; `std` is positive. Of "pixels" they are 0 and 1 / 255.
        channel_order: "rgb", or "grey": one channel, by Pillow's rule for "L", before the image is resized.
        encoding: what the model takes: "normalised", (p / 255 - mean) / std; or "pixels", p itself, 0 to 255.
        pad_value: 0 to 255, of "letterbox" and of it alone; None there: 114.

    The defaults of `mean` and `std` are ImageNet's. Resizing is bilinear with antialiasing as `resize.py`
    defines it. Raises UserError for a value outside these ranges.
    """

    input_size: tuple[int, int]
    resize: Resize = "shorter"
    crop_fraction: float = 1.0
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    channel_order: ChannelOrder = "rgb"
    encoding: Encoding = "normalised"
    pad_value: int | None = None

    def __post_init__(self) -> None:
        for name, value in checked(self).items():
            object.__setattr__(self, name, value)

    @property
    def channels(self) -> int:
        """Of the input: 3, or 1 of grey."""
        return 3 if self.channel_order == "rgb" else 1

    def __call__(self, image: NDArray[np.uint8] | Image.Image) -> NDArray[np.float32]:
        """`normalise(pixels(image))`: float32 of shape (height, width, 3)."""
        return self.normalise(self.pixels(image))

    def pixels(self, image: NDArray[np.uint8] | Image.Image) -> NDArray[np.uint8]:
        """Resizes `image`, uint8 (h, w, 3), a grey (h, w, 1) for a grey input, or a Pillow image, and crops or pads it.

        Returns uint8 (height, width, channels).
        """
        array = open_image(image) if isinstance(image, Image.Image) else image
        kinds = (3,) if self.channels == 3 else (3, 1)
        if (
            not isinstance(array, np.ndarray)
            or array.dtype != np.uint8
            or array.ndim != 3
            or array.shape[2] not in kinds
        ):
            received = (
                f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            )
            raise UserError("a uint8 array of shape (height, width, 3)", received, "convert it")
        if 0 in array.shape:
            raise UserError("an image of at least one pixel", f"shape {array.shape}", "leave it out")
        if array.shape[2] > self.channels:
            array = grey(array)
        size = self.resized_size((array.shape[0], array.shape[1]))
        height, width = self.input_size
        if self.resize == "letterbox":
            top, left = (height - size[0]) // 2, (width - size[1]) // 2
            padded = np.full((height, width, self.channels), self.pad_value, np.uint8)
            padded[top : top + size[0], left : left + size[1]] = fast_resize(array, size)
            return padded
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        if size[0] * size[1] > _MAX_RESIZED_PIXELS:
            return exact.resize(array, size, (top, left, height, width))
        resized = fast_resize(array, size)
        return resized[top : top + height, left : left + width].copy()

    def resized_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) to which an image of `size` = (height, width) is resized before the crop or the padding."""
        if self.resize == "stretch":
            return self.input_size
        height, width = size
        cover_height, cover_width = (covered(side, self.crop_fraction) for side in self.input_size)
        # Compared and applied in integers, so that all languages agree. The larger of the two scales covers, the
        # smaller one fits.
        tall, wide = cover_height * width, cover_width * height
        if tall >= wide if self.resize == "shorter" else tall <= wide:
            return cover_height, max(1, width * cover_height // height)
        return max(1, height * cover_width // width), cover_width

    def frame(self, picture: tuple[int, int]) -> Frame:
        """What the input shows of a picture of (height, width) pixels."""
        height, width = picture
        rows, columns = self.resized_size(picture)
        tall, wide = self.input_size
        top, left = (rows - tall) // 2, (columns - wide) // 2
        if self.resize == "letterbox":
            top, left = -((tall - rows) // 2), -((wide - columns) // 2)
        down, across = Fraction(height, rows), Fraction(width, columns)  # pixels of the picture a resized one
        return Frame(picture, self.input_size, (top * down, left * across, tall * down, wide * across))

    def seen(self, height: int, width: int) -> tuple[float, float, float, float]:
        """(top, left, height, width), in pixels of a picture of this size, of what the input shows, its padding too."""
        top, left, tall, wide = self.frame((height, width)).box
        return float(top), float(left), float(tall), float(wide)

    def normalise(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """What the model takes, float32, for `pixels` of shape (..., channels) and range 0 to 255.

        uint8 goes through a table of 256 entries a channel, computed in float64. float32 (augmented pixels,
        which are no integers any more) is computed in float32 and may differ from the table in the last bits.
        """
        channels = self.channels
        if pixels.ndim < 1 or pixels.shape[-1] != channels or pixels.dtype not in (np.uint8, np.float32):
            raise UserError(
                f"pixels of dtype uint8 or float32 and shape (..., {channels})",
                f"{pixels.dtype} {pixels.shape}",
                "convert them",
            )
        if self.encoding == "pixels":
            return pixels.astype(np.float32)
        # In rows of all channels of several pixels: NumPy is slow where the last axis has three.
        wide = pixels.shape[-2] if pixels.ndim > 1 else 1
        rows = pixels.reshape(math.prod(pixels.shape[:-2]), wide * channels)
        if pixels.dtype == np.float32:
            scale, offset = _affine(self.mean, self.std)
            moved = rows * np.tile(scale, wide)
            moved += np.tile(offset, wide)
            return moved.reshape(pixels.shape)
        table, places = _table(self.mean, self.std), np.tile(np.arange(channels) * 256, wide)
        result = np.empty(rows.shape, np.float32)
        step = max(1, _TABLE_PIXELS // max(1, rows.shape[1]))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            np.take(table, rows[part] + places, out=result[part], mode="clip")
        return result.reshape(pixels.shape)

    def to_json(self) -> dict[str, Any]:
        """The settings as a dictionary of JSON types."""
        settings = {
            "input_size": list(self.input_size),
            "channel_order": self.channel_order,
            "mean": list(self.mean),
            "std": list(self.std),
            "resize": self.resize,
            "crop_fraction": self.crop_fraction,
        }
        later = {name: getattr(self, name) for name in _LATER_KEYS}
        return settings | {name: value for name, value in later.items() if value != _LATER_KEYS[name]}

    @classmethod
    def from_json(cls, data: Any) -> "Preprocessing":
        """Reads what `to_json` wrote: every key, and no other. Raises UserError otherwise; nothing is guessed."""
        if not isinstance(data, dict):
            raise UserError(
                "a JSON object", type(data).__name__, "write what `to_json` gives", where="preprocessing"
            )
        missing = [key for key in _KEYS if key not in data]
        unknown = [str(key) for key in data if key not in (*_KEYS, *_LATER_KEYS)]
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


def grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (h, w, 3) to (h, w, 1) by the rule of `GREY`: a grey pixel keeps its value."""
    return np.asarray(Image.fromarray(image).convert("L"))[..., np.newaxis]


def fast_resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """`resize.resize` by Pillow's C code: uint8 (h, w, 3) or (h, w, 1) to `size` = (height, width).

    One call an axis, because Pillow chooses which axis goes first by itself, from version 13 on differently
    (vertical first for many images that shrink more in height), and the uint8 between the passes makes that
    visible: up to 1.
    """
    if image.shape[:2] == size:
        return image
    one = image.shape[2] == 1
    resized = resize_picture(Image.fromarray(image[..., 0] if one else image), size)
    return resized[..., np.newaxis] if one else resized


def resize_picture(
    picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> NDArray[np.uint8]:
    """`fast_resize` of a Pillow image, RGB or L; or of a part of it.

    `box`: (left, top, right, bottom), in pixels that need not be whole, inside the picture.
    """
    width, bilinear = size[1], Image.Resampling.BILINEAR
    left, top, right, bottom = box or (0, 0, *picture.size)
    narrow = picture.resize((width, picture.height), bilinear, (left, 0, right, picture.height))
    return np.array(narrow.resize((width, size[0]), bilinear, (0, top, width, bottom)))


@functools.lru_cache(maxsize=16)
def _table(mean: tuple[float, ...], std: tuple[float, ...]) -> NDArray[np.float32]:
    values = np.arange(256, dtype=np.float64) / 255
    table = ((values - np.array(mean)[:, None]) / np.array(std)[:, None]).astype(np.float32).ravel()
    table.setflags(write=False)
    return table


@functools.lru_cache(maxsize=16)
def _affine(
    mean: tuple[float, ...], std: tuple[float, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scale = 1 / (255 * np.array(std, np.float64))
    return scale.astype(np.float32), (-np.array(mean) / np.array(std)).astype(np.float32)

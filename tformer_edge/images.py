"""The one image decoder: a file, its bytes or a Pillow image in, 8-bit RGB pixels out."""

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tformer_edge.errors import UserError

ImageSource = str | os.PathLike[str] | bytes | Image.Image

# Pillow can open many more; some of them start other programs (EPS) or are rarely fuzzed, so they stay shut.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
# File names that a folder of images is searched for; the decoder itself looks at the content only.
SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".gif", ".tif", ".tiff")
    + (".ppm", ".pgm", ".pbm", ".pnm")
)
# What is decoded at full size: 4 bytes a pixel in Pillow and 3 in the array, 470 MB, which a Raspberry Pi of 1 GB has.
MAX_PIXELS = 1 << 26
# A JPEG of up to this many pixels is decoded at a half, a quarter or an eighth, for which its decoder needs no memory
# of the full size, unless it is progressive. Pillow's own hard limit, said again because a program may have raised it.
MAX_REDUCED_PIXELS = 178_956_970
_STRIP_ROWS = 256

_ORIENTATION_TAG = 0x0112
_TURNS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: lambda rgb: rgb[:, ::-1],
    3: lambda rgb: rgb[::-1, ::-1],
    4: lambda rgb: rgb[::-1],
    5: lambda rgb: rgb.swapaxes(0, 1),
    6: lambda rgb: rgb[::-1].swapaxes(0, 1),
    7: lambda rgb: rgb[::-1, ::-1].swapaxes(0, 1),
    8: lambda rgb: rgb[:, ::-1].swapaxes(0, 1),
}
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")


class ImageError(UserError):
    """An image that cannot be used: `name` is the file (or what stands for it), `reason` says why."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = " ".join(reason.split()).rstrip(".")
        super().__init__("a readable image", f"{name}: {self.reason}", "replace it or leave it out")


def open_image(source: ImageSource) -> NDArray[np.uint8]:
    """Decodes `source` (a path, the bytes of a file, a Pillow image) to uint8 RGB (height, width, 3).

    - The EXIF orientation is applied; damaged EXIF data is ignored.
    - Greyscale is repeated in three channels; palettes are looked up; CMYK is converted without its colour
      profile.
    - Transparent pixels are laid over white, since the colour stored under them is arbitrary.
    - 16-bit samples keep their high byte. Floating-point and 32-bit samples have no agreed range and are
      refused.
    - An animation gives its first frame.
    - A JPEG of more than MAX_PIXELS pixels is decoded at a half, a quarter or an eighth of its size.

    Memory is bounded: 7 bytes for each of at most MAX_PIXELS pixels.

    Raises ImageError (a UserError) that names the file when it is missing, empty, truncated, of another
    format, or of more than MAX_PIXELS pixels.
    """
    with opened(source) as image:
        return decoded(image, name_of(source))


def decoded(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """The pixels of an image that is `opened`, as `open_image` gives them; within that context."""
    image.load()
    # Read after load(): PNG may keep its EXIF data behind the pixels, and Pillow itself turns TIFF.
    orientation = orientation_of(image)
    return _turned(_all_rgb(image, name), orientation)


@contextlib.contextmanager
def opened(source: ImageSource) -> Iterator[Image.Image]:
    """An image within the limits of which only the header is read yet; closed at the end.

    Raises ImageError, for whatever goes wrong inside, too: damaged data makes Pillow's decoders raise nearly any type.
    """
    name = name_of(source)
    try:
        with _open(source, name) as image:
            _bound(image, name)
            yield image
    except UserError:
        raise
    except Exception as error:
        raise ImageError(name, _reason(error)) from error


def check_image(source: ImageSource) -> None:
    """Reads the header only: raises ImageError where `open_image` would because of it; decodes no pixels.

    A file that is cut off after its header passes.
    """
    with opened(source) as image:
        if image.mode == "F":
            raise _unsupported_samples(name_of(source))


def image_size(source: ImageSource) -> tuple[tuple[int, int], int]:
    """From the header: ((height, width) of what `open_image` gives, the EXIF orientation, 1 where there is none).

    Raises ImageError as `check_image` does.
    """
    with opened(source) as image:
        orientation = orientation_of(image)
        # Pillow turns TIFF by itself.
        swapped = orientation in (5, 6, 7, 8) and image.format != "TIFF"
        return (image.width, image.height) if swapped else (image.height, image.width), orientation


def name_of(source: ImageSource) -> str:
    """What messages call it."""
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "") or f"a Pillow image of mode {source.mode}")
    if isinstance(source, bytes):
        return f"an image of {len(source)} bytes"
    return os.fspath(source)


def _open(source: ImageSource, name: str) -> Image.Image:
    if isinstance(source, Image.Image):
        return source.copy()  # The caller's image stays open, and as it was.
    if isinstance(source, bytes):
        if not source:
            raise ImageError(name, "there are no bytes in it")
        return Image.open(io.BytesIO(source), formats=FORMATS)
    path = Path(source)
    if path.is_dir():
        raise ImageError(name, "it is a folder")
    if path.stat().st_size == 0:
        raise ImageError(name, "the file is empty")
    return Image.open(path, formats=FORMATS)


def _bound(image: Image.Image, name: str) -> None:
    """Refuses what has too many pixels to decode, or asks a JPEG decoder for fewer."""
    width, height = image.size
    if width * height == 0:
        raise ImageError(name, "it has no pixels")
    if width * height <= MAX_PIXELS:
        return
    if image.format == "JPEG" and width * height <= MAX_REDUCED_PIXELS and "progressive" not in image.info:
        # `draft` takes the smallest of 1, 1/2, 1/4 and 1/8 that is at least as large as it is asked for.
        parts = next((parts for parts in (2, 4, 8) if width * height <= MAX_PIXELS * parts**2), 8)
        image.draft(None, (width // parts, height // parts))
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(name, f"its {width} x {height} pixels exceed the limit of {MAX_PIXELS:,}")


def orientation_of(image: Image.Image) -> int:
    """EXIF's, 1 to 8 (or nonsense, which turns nothing); 1 where there is none."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    # Damaged EXIF data can raise nearly anything, and does not make the picture unusable.
    except Exception:
        return 1


def _all_rgb(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """uint8 (height, width, 3), converted in strips, so that no second image of the full size is made."""
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        strip = image if height <= _STRIP_ROWS else _cropped(image, (0, top, width, bottom))
        rgb[top:bottom] = np.asarray(_to_rgb(strip, name))
    return rgb


def _cropped(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    strip = image.crop(box)
    strip.info = image.info  # where the transparency of palettes and of single colours stands
    return strip


def _turned(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """As EXIF's orientation says the picture is to be seen."""
    turn = _TURNS.get(orientation)
    return rgb if turn is None else np.ascontiguousarray(turn(rgb))


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode == "F":
        raise _unsupported_samples(name)
    if image.mode in _SIXTEEN_BIT_MODES:
        samples = np.asarray(image)
        if samples.min() < 0 or samples.max() > 0xFFFF:
            raise _unsupported_samples(name)
        return Image.fromarray((samples >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")


def _unsupported_samples(name: str) -> ImageError:
    return ImageError(name, "its samples are 32-bit or floating-point, whose black and white are not defined")


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(FORMATS)}"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {MAX_REDUCED_PIXELS:,} pixels"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__

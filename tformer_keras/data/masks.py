"""Folders of pictures and masks: the class of each pixel in a PNG."""

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge.errors import UserError, first_line
from tformer_edge.image_files import LeftOut, images_below
from tformer_edge.images import ImageError, image_size
from tformer_keras.data.colour_table import ColourTable, find_table
from tformer_keras.data.dataset import Dataset, ImageSplit, split_of_files
from tformer_keras.data.split_names import split_of, training_and_test
from tformer_keras.tasks.annotations import MaskAnnotation

# (pictures, masks); ADE20K's names last.
FOLDERS = (("images", "masks"), ("images", "labels"), ("images", "annotations"))
# Some tools add to a picture's name.
ENDINGS = ("", "_mask", "_label", "_labelIds", "_gtFine_labelIds", "_L", "_seg")


def find_mask_folders(root: Path) -> tuple[Path, Path] | None:
    """The folders of pictures and of masks below `root`; None where there are none."""
    for images, masks in FOLDERS:
        folder = root / masks
        if (root / images).is_dir() and folder.is_dir() and next(folder.rglob("*.png"), None):
            return root / images, folder
    return None


def load_masks(root: Path, *, seed: int = 0, test_fraction: float = 0.2) -> Dataset:
    """Reads pictures of `images/` and PNG masks of the same names of `masks/` (or `labels/`, `annotations/`).

    Both may have subfolders train (training), val (validation) and test: with a test split the others are for training,
    else val is for testing; without any a share of `test_fraction`, chosen by `seed`, is.

    A mask's value is its pixel's class, of an index or palette PNG; what is no class is "unlabelled". Classes and
    colours are named by a table in `root`, see `colour_table.find_table`; without one they are all values in the masks,
    0 being the first, and 255 unlabelled.

    Raises UserError, one sentence that names the file: a picture without a mask, a mask of another size than its
    picture, or a file that cannot be read.
    """
    folders = find_mask_folders(root)
    if folders is None:
        raise UserError(f"images and masks in {root}", "none", "name the folders so")
    left_out = LeftOut()
    files = sorted(images_below(folders[0], left_out))
    pairs = [(image, _mask_of(image, *folders)) for image in files]
    if not pairs:
        raise UserError(f"images in {folders[0]}", "none", "add some")
    table = find_table(root) or _counted([mask for _, mask in pairs])
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda pair: _size(*pair), pairs))

    def split(indices: Sequence[int]) -> ImageSplit:
        paths = [pairs[index][0] for index in indices]
        annotations = [
            MaskAnnotation(sizes[index], _Reader(pairs[index][1], sizes[index], table)) for index in indices
        ]
        return split_of_files(root, paths, annotations)

    members: dict[str, list[int]] = {}
    for index, path in enumerate(files):
        if (name := split_of(path.relative_to(folders[0]).parts[0])) is not None:
            members.setdefault(name, []).append(index)
    train, test = map(split, training_and_test(members, len(files), seed, test_fraction))
    return Dataset(
        root.resolve().name, table.names, train, test, task="segmentation", left_out=left_out.line()
    )


class _Reader:
    """Decodes one mask when it is asked for: most data sets' do not fit into memory."""

    def __init__(self, path: Path, size: tuple[int, int], table: ColourTable) -> None:
        self.path, self.size, self.table = path, size, table

    def __call__(self) -> NDArray[np.int32]:
        with _opened(self.path) as image:
            return self.table.classes_of(image, self.path)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """A decoded PNG. Raises ImageError for whatever goes wrong with it."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.load()
            yield image
    except UserError:
        raise
    # Damaged data makes Pillow's decoders raise nearly any type.
    except Exception as error:
        raise ImageError(str(path), first_line(error)) from error


def _size(image: Path, mask: Path) -> tuple[int, int]:
    size, _ = image_size(image)
    found, _ = image_size(mask)
    if found != size:
        raise UserError(
            f"a mask of its picture's {size[0]} × {size[1]} pixels",
            f"one of {found[0]} × {found[1]}",
            "resize it to its picture's size without interpolation, or turn it as its picture is seen",
            where=str(mask),
        )
    return size


def _mask_of(image: Path, images: Path, masks: Path) -> Path:
    folder = masks / image.relative_to(images).parent
    found = next((path for end in ENDINGS if (path := folder / f"{image.stem}{end}.png").is_file()), None)
    if found is None:
        raise UserError(f"a mask {folder / image.stem}.png", "none", "add it", where=str(image))
    return found


def _counted(masks: Sequence[Path]) -> ColourTable:
    """The table of masks that nothing describes: their values, up to the highest that is below 255."""

    def highest(path: Path) -> int:
        with _opened(path) as image:
            if image.mode not in ("L", "P", "1"):
                raise UserError(
                    "a mask of indices or with a palette",
                    f"one of mode {image.mode}",
                    "add a table of colours, classes.txt: name, red, green, blue a line",
                    where=str(path),
                )
            values = np.asarray(image).astype(np.int32)
            return int(values[values < 255].max(initial=0))

    with ThreadPoolExecutor(8) as pool:
        count = max(pool.map(highest, masks)) + 1
    return ColourTable(tuple(f"class {index}" for index in range(count)))

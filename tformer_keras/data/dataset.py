"""What a dataset is: splits of images that are decoded one at a time, and what is known of them."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.images import open_image
from tformer_edge.picture_file import PictureFile, picture_file


@dataclass(frozen=True)
class ImageSplit:
    """Annotated images that are decoded one at a time.

    Attributes:
        names: an identifier for each image, for messages and reports: a path relative to the dataset, or a
        number.
        annotations: what is known of each image, by index, as its task understands it; for classification its
        class, int32 of shape (images,), indices into the dataset's class names.
        read: decodes the image of an index to uint8 RGB of shape (height, width, 3); called from several
        threads.
    """

    names: tuple[str, ...]
    annotations: Sequence[Any] | NDArray[np.int32]
    read: Callable[[int], NDArray[np.uint8]]

    def __len__(self) -> int:
        return len(self.names)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """Image `index` as uint8 RGB of shape (height, width, 3). Raises UserError naming a file it cannot decode."""
        return self.read(index)

    def annotation(self, index: int) -> Any:
        """What is known of image `index`; for classification its class, an integer."""
        return self.annotations[index]


def split_of_files(
    root: Path, paths: Sequence[Path], annotations: Sequence[Any] | NDArray[np.int32]
) -> ImageSplit:
    """The split of picture files in `root`, by which they are named; `annotations` one a file."""
    names = tuple(path.relative_to(root).as_posix() for path in paths)
    return ImageSplit(names, annotations, FileReader(str(root), names))


@dataclass(frozen=True)
class FileReader:
    """Decodes the files of a folder by their numbers; another process can have it."""

    root: str
    names: tuple[str, ...]

    def __call__(self, index: int) -> NDArray[np.uint8]:
        return open_image(Path(self.root, self.names[index]))

    def open(self, index: int) -> AbstractContextManager[PictureFile]:
        """The file of image `index`, see `picture_file`."""
        return picture_file(Path(self.root, self.names[index]))


@dataclass(frozen=True)
class Dataset:
    """A training and a test split of the same classes.

    Attributes:
        name: what it is called in reports.
        class_names: the class of each label, in label order.
        task: whose annotations they are, a key of `tformer_keras.tasks.TASKS`.
        train, test: the two splits; every class has at least one image in each.
        left_out: one line on the files that were no images of this dataset, or nothing.
        mirrored: whether a picture's mirror image is one of the same things. It is not for letters and digits.
        skipped: one line for each unreadable file that was left out, "path: reason".
    """

    name: str
    class_names: tuple[str, ...]
    train: ImageSplit
    test: ImageSplit
    skipped: tuple[str, ...] = ()
    task: str = "classification"
    left_out: str = ""
    mirrored: bool = True

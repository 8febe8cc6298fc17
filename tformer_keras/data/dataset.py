"""What a classification dataset is, and how one is found by name or folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError

DIGITS = "digits"


@dataclass(frozen=True)
class ImageSplit:
    """Labelled images that are decoded one at a time.

    Attributes:
        names: an identifier for each image, for messages and reports: a path relative to the dataset, or a
        number.
        labels: int32 of shape (images,), indices into the dataset's class names.
        read: decodes the image of an index to uint8 RGB of shape (height, width, 3); called from several
        threads.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int32]
    read: Callable[[int], NDArray[np.uint8]]

    def __len__(self) -> int:
        return len(self.names)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """Image `index` as uint8 RGB of shape (height, width, 3). Raises UserError naming a file it cannot decode."""
        return self.read(index)


@dataclass(frozen=True)
class Dataset:
    """A training and a test split of the same classes.

    Attributes:
        name: what it is called in reports.
        class_names: the class of each label, in label order.
        train, test: the two splits; every class has at least one image in each.
        skipped: one line for each unreadable file that was left out, "path: reason".
    """

    name: str
    class_names: tuple[str, ...]
    train: ImageSplit
    test: ImageSplit
    skipped: tuple[str, ...] = ()


def load_dataset(
    source: str | Path, *, seed: int = 0, test_fraction: float = 0.2, skip_unreadable: bool = False
) -> Dataset:
    """Loads the embedded dataset "digits", or a folder of images (see `folder.load_folder` for its layout).

    `seed` and `test_fraction` decide the split of a dataset that has no test images of its own. A folder that
    is called digits is reached as "./digits". Raises UserError when `source` is neither, or its folder cannot
    be used.
    """
    if not 0 < test_fraction < 1:
        raise UserError(f"Expected a test fraction between 0 and 1, received {test_fraction}.")
    if seed < 0:
        raise UserError(f"Expected a seed of 0 or more, received {seed}.")
    # Imported here because both are built on this module, and a folder of images needs no scikit-learn.
    if source == DIGITS:
        from tformer_keras.data.digits import load_digits

        return load_digits(seed=seed, test_fraction=test_fraction)
    from tformer_keras.data.folder import load_folder

    return load_folder(Path(source), seed=seed, test_fraction=test_fraction, skip_unreadable=skip_unreadable)

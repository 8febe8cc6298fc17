"""Datasets by name or folder."""

from pathlib import Path

from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.digits import DIGITS, load_digits
from tformer_keras.data.folder import load_folder


def load_dataset(
    source: str | Path, *, seed: int = 0, test_fraction: float = 0.2, skip_unreadable: bool = False
) -> Dataset:
    """Loads the embedded dataset "digits", or a folder of images (see `folder.load_folder` for its layout).

    `seed` and `test_fraction` decide the split of a dataset that has no test images of its own. A folder that
    is called digits is reached as "./digits". Raises UserError when `source` is neither, or its folder cannot
    be used.
    """
    if not 0 < test_fraction < 1:
        raise UserError("a test fraction between 0 and 1", str(test_fraction), "0.2 is usual")
    if seed < 0:
        raise UserError("a seed of 0 or more", str(seed), "take another")
    if source == DIGITS:
        return load_digits(seed=seed, test_fraction=test_fraction)
    return load_folder(Path(source), seed=seed, test_fraction=test_fraction, skip_unreadable=skip_unreadable)

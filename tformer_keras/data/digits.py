"""The embedded dataset: scikit-learn's 1,797 real handwritten digits of 8 x 8 pixels."""

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_keras.data.dataset import Dataset, ImageSplit
from tformer_keras.data.stratified import stratified_split

DIGITS = "digits"


def load_digits(*, seed: int = 0, test_fraction: float = 0.2) -> Dataset:
    """The digits "0" to "9" as uint8 RGB images of shape (8, 8, 3), bright strokes on black.

    At the default `test_fraction` 1,437 images train and 360 test. Source: E. Alpaydin, C. Kaynak, "Optical
    Recognition of Handwritten Digits", UCI Machine Learning Repository; the copy that scikit-learn installs.
    """
    try:
        from sklearn.datasets import load_digits as sklearn_digits
    except ImportError as error:
        raise UserError(
            "scikit-learn for the dataset 'digits'",
            "none",
            "install it with `pip install 'tformer-keras[train]'`",
        ) from error
    data = sklearn_digits()
    # Its ink goes from 0 to 16; 16 becomes 255.
    grey = np.rint(data.images * (255 / 16)).astype(np.uint8)
    images = np.repeat(grey[..., None], 3, axis=-1)
    labels = data.target.astype(np.int32)
    train, test = stratified_split(labels, test_fraction, seed)
    return Dataset(
        name=DIGITS,
        class_names=tuple(str(digit) for digit in range(10)),
        train=_part(images, labels, train),
        test=_part(images, labels, test),
    )


def _part(images: NDArray[np.uint8], labels: NDArray[np.int32], indices: NDArray[np.int64]) -> ImageSplit:
    part = images[indices]
    return ImageSplit(
        names=tuple(f"digits/{index}" for index in indices),
        annotations=labels[indices],
        read=lambda index: part[index],
    )

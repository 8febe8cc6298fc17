"""Which split a folder or file of a data set is, by the names that people give them."""

from collections.abc import Mapping, Sequence

from tformer_keras.data.divide import divide

TRAIN, VALIDATION, TEST = "train", "val", "test"
NAMES = {
    TRAIN: ("train", "training"),
    VALIDATION: ("val", "valid", "validation"),
    TEST: ("test", "testing"),
}


def split_of(name: str) -> str | None:
    """`TRAIN`, `VALIDATION` or `TEST` for a folder of that name; None for another one."""
    return next((split for split, known in NAMES.items() if name.lower() in known), None)


def training_and_test(
    members: Mapping[str, Sequence[int]], count: int, seed: int, test_fraction: float
) -> tuple[list[int], list[int]]:
    """Indices (training, test) of a data set.

    With test images the others are for training, else those for validation are for testing. Where neither is there, or
    none is for training, `test_fraction` of all images, chosen by `seed`, is.

    Args:
        members: the images of each split, of indices below `count`.
        count: of all images.
        seed, test_fraction: as `divide` takes them.

    Raises:
        UserError: for fewer than two images to divide.
    """
    train, validation, test = (list(members.get(split, ())) for split in (TRAIN, VALIDATION, TEST))
    if test and (train or validation):
        return sorted(train + validation), test
    if train and validation:
        return train, validation
    return divide(count, test_fraction, seed)

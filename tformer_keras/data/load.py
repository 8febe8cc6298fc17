"""Datasets by name or folder."""

from pathlib import Path

from tformer_edge.errors import UserError
from tformer_keras.data.coco_json import find_coco, load_coco
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.digit_scenes import DIGIT_SCENE_MASKS, DIGIT_SCENES, load_digit_scenes
from tformer_keras.data.digits import DIGITS, load_digits
from tformer_keras.data.folder import load_folder
from tformer_keras.data.masks import find_mask_folders, load_masks
from tformer_keras.data.pascal_voc import is_pascal_voc, load_pascal_voc
from tformer_keras.data.yolo_text import is_yolo, load_yolo

# What the package carries or draws itself.
EMBEDDED = (DIGITS, DIGIT_SCENES, DIGIT_SCENE_MASKS)


def load_dataset(
    source: str | Path, *, seed: int = 0, test_fraction: float = 0.2, skip_unreadable: bool = False
) -> Dataset:
    """Loads an embedded dataset ("digits", "digit-scenes", "digit-scenes-masks"), or a folder; its form says its task:
    images in a folder a class (`folder.load_folder`), boxes (`pascal_voc.load_pascal_voc`, `coco_json.load_coco`,
    `yolo_text.load_yolo`), or masks (`masks.load_masks`).

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
    if source in (DIGIT_SCENES, DIGIT_SCENE_MASKS):
        return load_digit_scenes(source == DIGIT_SCENE_MASKS, seed=seed, test_fraction=test_fraction)
    root = Path(source)
    if root.is_dir():
        if is_pascal_voc(root):
            return load_pascal_voc(root, seed=seed, test_fraction=test_fraction)
        if find_coco(root):
            return load_coco(root, seed=seed, test_fraction=test_fraction)
        if is_yolo(root):
            return load_yolo(root, seed=seed, test_fraction=test_fraction)
        if find_mask_folders(root) is not None:
            return load_masks(root, seed=seed, test_fraction=test_fraction)
    return load_folder(root, seed=seed, test_fraction=test_fraction, skip_unreadable=skip_unreadable)

"""The camera's images: the same every time, other in each picture, and warm, blurred and noisy."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.updates import make, make_scenes, shifted
from tformer_edge.errors import UserError


@pytest.fixture
def source(tmp_path):
    for split in ("train", "test"):
        for name in ("a", "b"):
            folder = tmp_path / "source" / split / name
            folder.mkdir(parents=True)
            for number in range(4):
                Image.new("RGB", (64, 64), (128, 128, 128)).save(folder / f"{number}.png")
    return tmp_path / "source"


def pixels(folder):
    return {
        str(path.relative_to(folder)): np.asarray(Image.open(path), int) for path in folder.rglob("*.png")
    }


def test_the_same_every_time_and_other_in_each_picture(source, tmp_path):
    for name in ("one", "two"):
        assert make(source, tmp_path / name, 4, 2) == {"train": 4, "test": 2}
    one, two = pixels(tmp_path / "one"), pixels(tmp_path / "two")
    assert sorted(one) == [
        "test/a/0.png", "test/b/0.png", "train/a/0.png", "train/a/2.png", "train/b/0.png", "train/b/2.png",
    ]  # fmt: skip
    assert one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)
    assert len({image.tobytes() for image in one.values()}) == len(one)
    with pytest.raises(UserError, match="new folder"):
        make(source, tmp_path / "one", 4, 2)
    with pytest.raises(UserError, match="CLASS"):
        make(tmp_path / "one" / "train", tmp_path / "three", 4, 2)


def test_warm_and_noisy_and_blurred():
    grey = np.asarray(shifted(Image.new("RGB", (64, 64), (128, 128, 128)), 0), float)
    np.testing.assert_allclose(grey.mean((0, 1)), [128 * 1.15, 128 * 0.9, 128 * 0.6], atol=2)
    np.testing.assert_allclose(grey.std((0, 1)), 14, atol=1)
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.asarray(shifted(Image.fromarray(stripes), 0), float)[..., 1].std() < 0.7 * 0.9 * 127.5


def test_a_copy_of_scenes_has_other_pictures_and_the_same_masks(tmp_path):
    for name in ("images/train/a.jpg", "images/test/b.png", "masks/train/a.png"):
        path = tmp_path / "scenes" / name
        path.parent.mkdir(parents=True)
        Image.new("RGB", (40, 30), (128, 128, 128)).save(path)
    (tmp_path / "scenes" / "classes.txt").write_text("road\n")
    assert make_scenes(tmp_path / "scenes", tmp_path / "new") == {"pictures": 2}
    for name, same in (("masks/train/a.png", True), ("classes.txt", True), ("images/train/a.jpg", False)):
        old, new = (tmp_path / folder / name for folder in ("scenes", "new"))
        assert (old.read_bytes() == new.read_bytes()) is same
    red, green, blue = pixels(tmp_path / "new")["images/test/b.png"].reshape(-1, 3).mean(axis=0)
    assert red > 140 > 120 > green > 110 and blue < 80
    with pytest.raises(UserError, match="new folder"):
        make_scenes(tmp_path / "scenes", tmp_path / "new")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="pictures"):
        make_scenes(tmp_path / "empty", tmp_path / "other")

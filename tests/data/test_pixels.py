"""Images for calibration and measurements."""

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.pixels import read_calibration, spaced, synthetic_pixels

PREPROCESSING = Preprocessing((6, 8), "stretch")


def write(path, level, size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level,) * 3).save(path)


def test_evenly_spaced_images_of_the_training_folder_alone(tmp_path):
    for number in range(10):
        write(tmp_path / "train" / f"class{number // 5}" / f"{number}.png", number)
    write(tmp_path / "test" / "class0" / "a.png", 255)
    write(tmp_path / "train" / ".hidden" / "a.png", 255)
    images = read_calibration(tmp_path, PREPROCESSING, 5)
    assert images.pixels.shape == (5, 6, 8, 3) and images.pixels.dtype == np.uint8
    assert images.pixels[:, 0, 0, 0].tolist() == [0, 2, 4, 6, 8]
    assert (images.found, images.resized) == (10, 0)
    assert len(read_calibration(tmp_path, PREPROCESSING, 100).pixels) == 10


def test_images_of_another_size_are_resized_and_counted(tmp_path):
    write(tmp_path / "a.png", 1)
    write(tmp_path / "b.png", 2, (20, 20))
    images = read_calibration(tmp_path, PREPROCESSING, 8)
    assert images.resized == 1 and images.pixels.shape == (2, 6, 8, 3)


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        read_calibration(tmp_path / "nowhere", PREPROCESSING, 8)
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(UserError, match="received none of the files"):
        read_calibration(tmp_path, PREPROCESSING, 8)
    (tmp_path / "broken.jpg").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"broken\.jpg"):
        read_calibration(tmp_path, PREPROCESSING, 8)


def test_spaced():
    assert spaced(10, 3) == [0, 3, 6] and spaced(2, 5) == [0, 1] and spaced(0, 5) == []


def test_generated_images_are_the_same_every_time():
    images = synthetic_pixels(4, (6, 8))
    assert images.shape == (4, 6, 8, 3) and len(np.unique(images.reshape(4, -1), axis=0)) == 4
    np.testing.assert_array_equal(images[:2], synthetic_pixels(2, (6, 8)))

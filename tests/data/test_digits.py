"""The embedded digits, and the stratified split that they and folders share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits as sklearn_digits

from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.load import load_dataset
from tformer_keras.data.stratified import stratified_split


def test_sizes_classes_and_pixels() -> None:
    dataset = load_dataset("digits")
    assert dataset.name == "digits" and dataset.class_names == tuple("0123456789")
    assert (len(dataset.train), len(dataset.test)) == (1437, 360)
    source = sklearn_digits()
    seen = []
    for split in (dataset.train, dataset.test):
        for index in (0, 7, len(split) - 1):
            number = int(split.names[index].removeprefix("digits/"))
            pixels = split.pixels(index)
            assert pixels.shape == (8, 8, 3) and pixels.dtype == np.uint8
            np.testing.assert_allclose(pixels[..., 1], source.images[number] * 255 / 16, atol=0.5)
            assert split.annotations[index] == source.target[number]
        seen += split.names
    assert len(set(seen)) == 1797
    assert max(dataset.test.pixels(index).max() for index in range(360)) == 255
    assert Preprocessing((32, 32)).pixels(dataset.test.pixels(0)).shape == (32, 32, 3)


def test_split_follows_the_seed() -> None:
    first, again, other = (load_dataset("digits", seed=seed) for seed in (0, 0, 1))
    assert first.test.names == again.test.names != other.test.names
    assert len(load_dataset("digits", test_fraction=0.5).test) == 899


@given(
    st.lists(st.integers(2, 60), min_size=2, max_size=12),
    st.floats(0.01, 0.99),
    st.integers(0, 9),
    st.randoms(),
)
def test_split_is_a_stratified_partition(counts, fraction, seed, random) -> None:
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    random.shuffle(labels)
    array = np.array(labels, np.int32)
    train, test = stratified_split(array, fraction, seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    taken = np.bincount(array[test], minlength=len(counts))
    for count, take in zip(counts, taken, strict=True):
        assert 1 <= take <= count - 1
        assert abs(take - count * fraction) < 1 or take in (1, count - 1)


def test_split_of_a_single_image_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 images a class, received 1 of class 1"):
        stratified_split(np.array([0, 0, 1], np.int32), 0.5, 0)

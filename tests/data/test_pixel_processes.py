"""Batches made by processes: the same to the bit, errors by their own words, nothing left behind."""

import itertools
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data import Loader, load_dataset, pixel_processes
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.tasks.classification import CLASSIFICATION


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    random, root = np.random.default_rng(0), tmp_path_factory.mktemp("photos")
    for split, count in (("train", 11), ("test", 3)):
        for label in ("a", "b"):
            (root / split / label).mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 256, (*random.integers(20, 60, 2), 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / split / label / f"{number}.jpg")
    return root


def loader_of(root: Path, processes: int, **options) -> Loader:
    augmentation = Augmentation(
        horizontal_flip=True,
        resized_crop=(0.2, 1.0),
        reduced_decoding=True,
        rand_augment=(2, 9.0),
        random_erasing=0.5,
        mixup=0.5,
        cutmix=1.0,
    )
    dataset = load_dataset(str(root))
    settings = {
        "shuffle": True,
        "task": CLASSIFICATION,
        "classes": 2,
        "augmentation": augmentation,
        "seed": 3,
    }
    return Loader(dataset.train, Preprocessing((16, 12)), 4, processes=processes, **(settings | options))


def taken(loader: Loader, count: int) -> list[list[np.ndarray]]:
    stream = iter(loader.stream(epoch=1, step=2))
    return [
        [np.asarray(part) for part in (batch[0], *batch[1], batch[2])]
        for batch in itertools.islice(stream, count)
    ]


def test_batches_are_the_same_to_the_bit_and_nothing_stays(folder):
    """Over the end of an epoch; the workers and their memory end with `close`."""
    alone = taken(loader_of(folder, 0), 6)
    loader = loader_of(folder, 2)
    together = taken(loader, 6)
    pool = loader._pool
    assert pool is not None
    workers = [process for one in pool._pools for process in one._processes.values()]
    assert len(workers) == 2 and all(worker.is_alive() for worker in workers)
    memory = Path(pixel_processes.SHARED, pool._memory.name)
    assert memory.exists()
    loader.close()
    assert not any(worker.is_alive() for worker in workers) and not memory.exists()
    loader.close()
    for left, right in zip(alone, together, strict=True):
        for one, other in zip(left, right, strict=True):
            np.testing.assert_array_equal(one, other)


def test_errors_name_the_file_and_the_death_of_a_worker(folder, tmp_path):
    """A file that was damaged after the folder was read; then a worker that is killed."""
    loader = loader_of(folder, 1, augmentation=None)
    damaged = folder / loader.split.names[3]
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    try:
        loader.stream()
        pool = loader._pool
        assert pool is not None
        with pytest.raises(UserError, match=damaged.name):
            pool.pixels(np.array([3]), 0)
        pixels, boxes = pool.pixels(np.array([2, 0]), 0)
        assert pixels.shape == (2, 16, 12, 3) and len(boxes) == 2
        (worker,) = pool._pools[0]._processes.values()
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(UserError, match="the death of one of them"):
            pool.pixels(np.array([1]), 0)
    finally:
        damaged.write_bytes(whole)
        loader.close()


def test_refuses_what_it_cannot_do(folder, monkeypatch):
    """Images that live in this process alone; too little shared memory; too many processes."""
    source = {"split": load_dataset("digits").train, "preprocessing": Preprocessing((8, 8)), "cache_bytes": 0}
    with pytest.raises(UserError, match="cannot be sent"):
        pixel_processes.PixelProcesses(source, 2, 4, 2)
    monkeypatch.setattr(
        pixel_processes.os, "statvfs", lambda path: os.statvfs_result((4096, 4096, 1, 1, 1, *[0] * 5))
    )
    with pytest.raises(UserError, match=r"of shared memory .*received 4,096"):
        loader_of(folder, 2, augmentation=None).stream()
    with pytest.raises(UserError, match="processes of 0 to 256"):
        loader_of(folder, 257)

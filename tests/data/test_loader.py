"""The loader: purity, shards, padding, caches, failures, and the same bytes with and without TensorFlow."""

import gc
import os
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data import ImageSplit, Loader, load_dataset
from tformer_keras.data import progress_bar as progress_module
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.data.dataset import split_of_files
from tformer_keras.data.streams import THREAD_PREFIX, generator_stream
from tformer_keras.tasks.classification import CLASSIFICATION
from tformer_keras.tasks.task import evaluate

SIZE = Preprocessing((8, 8), "stretch", mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


class Source:
    """A split of noise images of various sizes that counts how often each was decoded."""

    def __init__(self, count: int = 21) -> None:
        generator = np.random.default_rng(0)
        self.images = [
            generator.integers(0, 256, (*generator.integers(5, 20, 2), 3), dtype=np.uint8)
            for _ in range(count)
        ]
        self.reads: list[int] = []
        self.split = ImageSplit(
            names=tuple(map(str, range(count))),
            annotations=np.arange(count, dtype=np.int32) % 3,
            read=self.read,
        )

    def read(self, index: int) -> np.ndarray:
        self.reads.append(index)
        return self.images[index]

    def loader(self, **options: object) -> Loader:
        settings = {
            "preprocessing": SIZE,
            "batch_size": 4,
            "shuffle": True,
            "task": CLASSIFICATION,
            "classes": 3,
            "seed": 5,
        } | options
        return Loader(self.split, **settings)


def flat(batch: Any) -> tuple[np.ndarray, ...]:
    images, truth, weights = batch
    return tuple(np.asarray(part) for part in (images, *truth, weights))


def arrays(stream: object, count: int | None = None) -> list[tuple[np.ndarray, ...]]:
    return [flat(batch) for batch in islice(iter(stream), count)]


def assert_same(left: Any, right: Any) -> None:
    left, right = (
        batch if len(batch) > 3 or not isinstance(batch[1], tuple) else flat(batch) for batch in (left, right)
    )
    for one, other in zip(left, right, strict=True):
        assert one.dtype == other.dtype == np.float32
        np.testing.assert_array_equal(one, other)


def test_batch_holds_the_preprocessed_images_and_their_labels() -> None:
    source = Source()
    loader = source.loader()
    images, (labels,), weights = loader.batch(2, 3)
    assert images.shape == (4, 8, 8, 3) and labels.shape == (4, 3) and weights.tolist() == [1] * 4
    for row, index in enumerate(loader.indices(2, 3)):
        np.testing.assert_array_equal(images[row], SIZE(source.images[index]))
        assert labels[row].tolist() == np.eye(3)[source.split.annotations[index]].tolist()


def test_training_epochs_are_orders_of_distinct_images() -> None:
    loader = Source().loader()
    assert loader.steps_per_epoch == 5  # 21 images: the last one is dropped
    epochs = [np.concatenate([loader.indices(epoch, step) for step in range(5)]) for epoch in range(3)]
    for order in epochs:
        assert len(set(order.tolist())) == 20
    assert epochs[0].tolist() != epochs[1].tolist() != epochs[2].tolist()
    other_seed = Source().loader(seed=6)
    assert other_seed.indices(0, 0).tolist() != loader.indices(0, 0).tolist()


def test_training_split_smaller_than_a_batch_is_repeated() -> None:
    loader = Source(3).loader(batch_size=8)
    assert loader.steps_per_epoch == 1
    assert np.bincount(loader.indices(0, 0)).tolist() in ([3, 3, 2], [3, 2, 3], [2, 3, 3])
    assert loader.batch(0, 0)[2].tolist() == [1] * 8


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("count", [3, 8, 21])
def test_evaluation_weighs_each_image_once_in_order(count: int, shards: int) -> None:
    loaders = [Source(count).loader(shuffle=False, shard=(index, shards)) for index in range(shards)]
    steps = loaders[0].steps_per_epoch
    assert steps == -(-count // 4)
    seen, of_shard = [], [[] for _ in loaders]  # type: ignore[var-annotated]
    for step in range(steps):
        for shard, loader in enumerate(loaders):
            images, _, weights = loader.batch(0, step)
            assert images.shape == (4 // shards, 8, 8, 3)
            counted = loader.indices(0, step)[weights == 1].tolist()
            seen += counted
            of_shard[shard] += counted
            assert set(weights.tolist()) <= {0, 1}
    assert seen == list(range(count))
    assert all(loader.evaluated().tolist() == [n for part in of_shard for n in part] for loader in loaders)


@pytest.mark.parametrize(
    "augmentation", [None, Augmentation(True, shift=2, mixup=0.8, cutmix=1.0, random_erasing=0.5)]
)
@pytest.mark.parametrize("shuffle", [True, False])
def test_shards_make_up_the_global_batch(augmentation: Augmentation | None, shuffle: bool) -> None:
    whole = Source().loader(augmentation=augmentation, shuffle=shuffle)
    halves = [
        Source().loader(augmentation=augmentation, shuffle=shuffle, shard=(index, 2)) for index in (0, 1)
    ]
    for epoch, step in ((0, 0), (3, 4)):
        parts = [flat(half.batch(epoch, step)) for half in halves]
        assert_same(
            tuple(np.concatenate(pair) for pair in zip(*parts, strict=True)), whole.batch(epoch, step)
        )


def test_a_shard_reads_its_own_files_only() -> None:
    source = Source()
    loader = source.loader(shard=(1, 2))
    loader.fill(epoch=4)
    own = {int(index) for step in range(5) for index in loader.indices(4, step)}
    assert sorted(source.reads) == sorted(own) and len(own) == 10


@pytest.mark.parametrize("augmentation", [None, Augmentation(True, resized_crop=(0.2, 1.0))])
@pytest.mark.parametrize("workers", [1, 3])
def test_caching_changes_no_batch(augmentation: Augmentation | None, workers: int) -> None:
    reference = Source().loader(augmentation=augmentation, cache_bytes=0)
    source = Source()
    loader = source.loader(augmentation=augmentation, workers=workers)
    loader.fill()
    assert sorted(source.reads) == list(range(21))
    for epoch, step in ((0, 0), (0, 1), (1, 0), (0, 0)):
        assert_same(loader.batch(epoch, step), reference.batch(epoch, step))
    assert len(source.reads) == 21


def test_split_larger_than_the_cache_is_decoded_each_time() -> None:
    source = Source()
    loader = source.loader(cache_bytes=21 * 8 * 8 * 3 - 1)
    loader.fill()
    assert source.reads == []
    loader.batch(0, 0)
    loader.batch(0, 0)
    assert len(source.reads) == 8


def test_originals_are_kept_while_they_fit() -> None:
    source = Source()
    budget = sum(image.nbytes for image in source.images[:10])
    loader = source.loader(augmentation=Augmentation(resized_crop=(0.5, 1.0)), cache_bytes=budget, workers=1)
    loader.fill()
    source.reads.clear()
    for step in range(5):
        loader.batch(0, step)
    used = {int(index) for step in range(5) for index in loader.indices(0, step)}
    assert set(source.reads) == used - set(range(10))


def test_resized_crop_uses_the_augmentations_box() -> None:
    source = Source()
    augmentation = Augmentation(resized_crop=(0.1, 0.5))
    loader = source.loader(augmentation=augmentation)
    images = loader.batch(1, 2)[0]
    for row, index in enumerate(loader.indices(1, 2)):
        image = source.images[index]
        top, left, height, width = augmentation.crop_box(*image.shape[:2], 5, 1, int(index))
        crop = SIZE.pixels(image[top : top + height, left : left + width].copy())
        np.testing.assert_allclose(images[row], SIZE.normalise(crop), atol=1e-5)


def test_reduced_decoding_is_a_part_of_the_random_crop_alone(tmp_path: Path) -> None:
    """Whatever the cache holds and however many threads: the same pixels, which are nearly those of all of the file.
    PNGs and small pictures stay as they are to the bit."""
    generator = np.random.default_rng(0)
    names = [f"{number}.{'png' if number == 3 else 'jpg'}" for number in range(6)]
    for number, name in enumerate(names):
        coarse = generator.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        size = (20, 15) if number == 4 else (163, 120)
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(tmp_path / name)
    split = split_of_files(tmp_path, [tmp_path / name for name in names], np.zeros(6, np.int32))

    def images(reduced: bool, **options: Any) -> np.ndarray:
        settings = {
            "shuffle": True,
            "task": CLASSIFICATION,
            "classes": 1,
            "seed": 1,
            "cache_bytes": 0,
        } | options
        crop = Augmentation(resized_crop=(0.1, 1.0), reduced_decoding=reduced)
        loader = Loader(split, Preprocessing((12, 12)), 6, augmentation=crop, **settings)
        loader.fill(0)
        batches = [loader.batch(epoch, 0)[0][np.argsort(loader.indices(epoch, 0))] for epoch in range(4)]
        return np.stack(batches)

    whole, reduced = images(False), images(True)
    changed = (whole != reduced).any(axis=(0, 2, 3, 4))
    np.testing.assert_array_equal(changed, [True, True, True, False, False, True])
    assert np.abs(whole - reduced).mean() < 0.02  # of about ±2
    for options in ({"cache_bytes": 9_000}, {"cache_bytes": 10**7}, {"workers": 1}):
        np.testing.assert_array_equal(images(True, **options), reduced)


def test_augmentation_is_given_pixels_and_keys_before_normalisation() -> None:
    calls = []

    class Recorder(Augmentation):
        def images(self, pixels, seed, epoch, indices, placements):
            calls.append(("images", pixels.dtype, float(pixels.max()) > 200, seed, epoch, indices.tolist()))
            return pixels // 2

        def mix(self, images, labels, seed, epoch, indices):
            calls.append(("mix", images.dtype, float(images.max()) > 100, seed, epoch, indices.tolist()))
            return images, labels[::-1]

    source = Source()
    loader = source.loader(augmentation=Recorder(mixup=1.0))
    images, (labels,), _ = loader.batch(1, 0)
    indices = loader.indices(1, 0)
    assert calls == [(name, np.uint8, True, 5, 1, indices.tolist()) for name in ("images", "mix")]
    assert labels.argmax(1).tolist() == source.split.annotations[indices][::-1].tolist()
    expected = SIZE.normalise(SIZE.pixels(source.images[indices[0]]) // 2)
    np.testing.assert_array_equal(images[0], expected)


@pytest.mark.parametrize("shuffle", [True, False])
def test_stream_is_the_batches_in_order(shuffle: bool) -> None:
    loader = Source().loader(shuffle=shuffle)
    steps = loader.steps_per_epoch
    streamed = arrays(loader.stream(epoch=1, step=3, epochs=2))
    places = [(1, step) for step in range(3, steps)] + [(2, step) for step in range(steps)]
    assert len(streamed) == len(places)
    for batch, (epoch, step) in zip(streamed, places, strict=True):
        assert_same(batch, loader.batch(epoch, step))
    endless = arrays(loader.stream(), 3 * steps)
    assert_same(endless[-1], loader.batch(2, steps - 1))


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.data belongs to the TensorFlow backend"
)
def test_stream_on_tensorflow_has_static_shapes() -> None:
    loader = Source().loader(shard=(0, 2))
    shapes = keras.tree.map_structure(lambda spec: tuple(spec.shape), loader.stream(epochs=1).element_spec)
    assert shapes == ((2, 8, 8, 3), ((2, 3),), (2,))
    assert int(loader.stream(epochs=2).cardinality()) == 10


def test_fit_and_evaluate_take_the_stream() -> None:
    train, test = Source().loader(), Source().loader(shuffle=False)
    model = keras.Sequential([keras.layers.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, weighted_metrics=["accuracy"], jit_compile=False)
    options = {"steps_per_epoch": train.steps_per_epoch, "shuffle": False, "verbose": 0}
    history = model.fit(train.stream(), epochs=2, **options)
    assert len(history.history["loss"]) == 2
    judge = CLASSIFICATION.judge(("a", "b", "c"), "logits")
    evaluation = evaluate(lambda images: [model.predict(images, verbose=0)], test.stream(epochs=1), judge)
    images = np.stack([SIZE(image) for image in Source().images])
    right = model.predict(images, verbose=0).argmax(1) == Source().split.annotations
    assert evaluation.images == 21 and evaluation.top1 == right.mean()  # the padding counts for nothing


def own_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(THREAD_PREFIX)]


@pytest.mark.parametrize("end", ["close", "collect", "exhaust"])
def test_threads_end_with_the_generator(end: str) -> None:
    loader = Source().loader()
    stream = generator_stream(loader._numbered_batch, 0, 6)
    next(stream)
    assert own_threads()
    if end == "close":
        stream.close()
    elif end == "exhaust":
        assert len(list(stream)) == 5
    del stream
    gc.collect()
    assert own_threads() == []


def test_generator_works_ahead_but_not_without_bound() -> None:
    made: list[int] = []

    def make(number: int) -> tuple:
        made.append(number)
        return (number,)

    stream = generator_stream(make, 10, None)
    assert [next(stream)[0] for _ in range(3)] == [10, 11, 12]
    stream.close()
    assert 3 <= len(made) <= 6


@pytest.mark.parametrize("cache_bytes", [0, 2**20])
def test_damaged_file_is_named(tmp_path: Path, cache_bytes: int) -> None:
    for name in ("train/a/0.jpg", "train/b/0.jpg", "test/a/0.jpg", "test/b/0.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / name)
    cut = tmp_path / "train/b/0.jpg"
    cut.write_bytes(cut.read_bytes()[:-300])
    split = load_dataset(tmp_path).train
    loader = Loader(split, SIZE, 2, shuffle=True, task=CLASSIFICATION, classes=2, cache_bytes=cache_bytes)
    with pytest.raises(UserError, match=r"b/0\.jpg: .*truncated"):
        loader.batch(0, 0)
    if cache_bytes:  # found before the first step
        with pytest.raises(UserError, match=r"b/0\.jpg: .*truncated"):
            loader.stream()
    else:  # found in the stream, where TensorFlow wraps the error
        with pytest.raises(Exception, match=r"b/0\.jpg: .*truncated"):
            arrays(loader.stream(), 1)
        assert isinstance(loader.failure, UserError)


class Terminal:
    """Standard error that says it is a terminal, and keeps what is written."""

    def __init__(self, terminal: bool) -> None:
        self.terminal, self.text = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    stderr = Terminal(terminal)
    monkeypatch.setattr(progress_module.sys, "stderr", stderr)
    monkeypatch.setenv("TERM", "xterm")
    Source().loader().fill()
    assert ("Reading images" in stderr.text) == terminal
    assert terminal or stderr.text == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch size"),
        ({"batch_size": 5, "shard": (0, 2)}, "multiple of 2"),
        ({"batch_size": 6, "shard": (0, 2), "augmentation": Augmentation(mixup=0.2)}, "multiple of 4"),
        ({"shard": (2, 2)}, "shard"),
        ({"seed": -1}, "seed"),
        ({"workers": 0}, "workers"),
        ({"cache_bytes": -1}, "cache_bytes"),
        ({"classes": 2, "batch_size": 21}, "labels below 2"),
    ],
)
def test_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=f"expected .*{message}"):
        Source().loader(**options).batch(0, 0)


def test_refuses_an_empty_split_and_a_step_past_the_end() -> None:
    with pytest.raises(UserError, match="empty"):
        Loader(
            ImageSplit((), np.zeros(0, np.int32), lambda index: None),
            SIZE,
            1,
            shuffle=True,
            task=CLASSIFICATION,
            classes=1,
        )
    with pytest.raises(ValueError, match="step below 5"):
        Source().loader().batch(0, 5)


STREAM_DIGEST = """
import hashlib, sys
if sys.argv[2] == "block":
    class Block:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in ("tensorflow", "tf_keras", "tensorflow_datasets"):
                raise ImportError(f"{name} is blocked")
    sys.meta_path.insert(0, Block())
import keras, numpy as np
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data import Loader, load_dataset
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.data.dataset import split_of_files
from tformer_keras.tasks.classification import CLASSIFICATION
dataset = load_dataset(sys.argv[1])
digest = hashlib.sha256()
augmentation = Augmentation(True, shift=1, resized_crop=(0.3, 1.0), mixup=0.5, cutmix=0.5, random_erasing=0.5)
for split, options in (
    (dataset.train, dict(shuffle=True)),
    (dataset.train, dict(shuffle=True, cache_bytes=0, shard=(1, 2))),
    (dataset.train, dict(shuffle=True, augmentation=augmentation)),
    (dataset.test, dict(shuffle=False)),
):
    loader = Loader(split, Preprocessing((12, 16), "shorter", 0.9), 4, task=CLASSIFICATION,
                    classes=2, seed=3, **options)
    for batch in loader.stream(epoch=1, step=1, epochs=2):
        images, truth, weights = batch
        for part in (images, *truth, weights):
            digest.update(np.asarray(part).tobytes())
if sys.argv[2] == "block":
    assert not any(name == "tensorflow" or name.startswith("tensorflow.") for name in sys.modules)
    model = keras.Sequential([keras.layers.Input((12, 16, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True), jit_compile=False)
    model.fit(loader.stream(), epochs=1, steps_per_epoch=2, verbose=0)
print(keras.backend.backend(), digest.hexdigest())
"""


def test_same_bytes_on_tensorflow_and_on_jax_without_tensorflow(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(12):
            height, width = generator.integers(5, 40, 2)
            noise = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(noise).save(tmp_path / name / f"{number}.jpg")
    digests = {}
    for backend, mode in (("tensorflow", "open"), ("jax", "block")):
        run = subprocess.run(
            [sys.executable, "-c", STREAM_DIGEST, str(tmp_path), mode],
            env=os.environ | {"KERAS_BACKEND": backend},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        used, digests[backend] = run.stdout.split()
        assert used == backend
    assert digests["tensorflow"] == digests["jax"]

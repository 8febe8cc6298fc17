"""Batches of a split, each a pure function of (seed, epoch, step)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing, fast_resize
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.data.cache import PixelCache
from tformer_keras.data.dataset import ImageSplit
from tformer_keras.data.progress_bar import progress
from tformer_keras.data.streams import Batch, generator_stream, tensorflow_stream


class Loader:
    """Makes batches of `split`: decoded, preprocessed, augmented, normalised.

    Arguments:
        split: the images and their labels.
        preprocessing: input size, resize rule and normalisation.
        batch_size: images in a *global* batch, over all shards; a multiple of the number of shards.
        seed: 0 or more; orders and augmentations follow from (seed, epoch, image index) alone.
        shuffle: True for training: every epoch in another order, the same for all shards; the last partial
            batch is dropped, and a split smaller than one batch is repeated to fill it. False for evaluation:
            in order, the last batch filled up with images of sample weight 0.
        augmentation: None, or what changes the training images; see `augmentation.Augmentation`.
        classes: length of the one-hot labels.
        shard: (index, count): this loader yields the index-th contiguous slice of each global batch, and
            reads only those files.
        cache_bytes: memory for decoded images. They are kept as they are after resizing and cropping if the
            whole split fits, otherwise decoded each time; with a random resized crop, as many originals as
            fit are kept.
        workers: threads that decode images.

    Raises UserError for settings that cannot work together.
    """

    def __init__(
        self,
        split: ImageSplit,
        preprocessing: Preprocessing,
        batch_size: int,
        *,
        shuffle: bool,
        classes: int,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        shard: tuple[int, int] = (0, 1),
        cache_bytes: int = 2**30,
        workers: int = 2,
    ) -> None:
        index, count = shard
        if not len(split):
            raise UserError("Expected a split of at least one image, received an empty one.")
        if count < 1 or not 0 <= index < count:
            raise UserError(f"Expected a shard (index, count) with 0 <= index < count, received {shard}.")
        if batch_size < 1 or batch_size % count:
            raise UserError(
                f"Expected a batch size that is a multiple of {count} (the processes), received {batch_size}."
            )
        if augmentation is not None and augmentation.mixes and count > 1 and (batch_size // count) % 2:
            raise UserError(
                f"Expected an even number of images a process, because neighbours are mixed, received {batch_size} "
                f"over {count} processes: choose a batch size that is a multiple of {2 * count}."
            )
        if seed < 0 or workers < 1 or cache_bytes < 0:
            raise UserError(
                f"Expected seed >= 0, workers >= 1 and cache_bytes >= 0, received {seed}, {workers} and {cache_bytes}."
            )
        if int(split.labels.min()) < 0 or int(split.labels.max()) >= classes:
            raise UserError(
                f"Expected labels below {classes} (the classes), received {int(split.labels.max())}."
            )
        self.split = split
        self.preprocessing = preprocessing
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.classes = classes
        self.seed = seed
        self.augmentation = augmentation
        self.shard = shard
        self.workers = workers
        self.failure: Exception | None = None
        self._crops = augmentation is not None and augmentation.resized_crop is not None
        height, width = preprocessing.input_size
        keeps = self._crops or len(split) * height * width * 3 <= cache_bytes
        self._cache = PixelCache(len(split), cache_bytes) if keeps and cache_bytes else None
        self._last_order: tuple[int, NDArray[np.int64]] | None = None

    @property
    def local_batch_size(self) -> int:
        """Images of a batch that this shard yields."""
        return self.batch_size // self.shard[1]

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, at least 1."""
        if self.shuffle:
            return max(1, len(self.split) // self.batch_size)
        return -(-len(self.split) // self.batch_size)

    def indices(self, epoch: int, step: int) -> NDArray[np.int64]:
        """Indices into the split of this shard's images of a batch: int64 of shape (local batch,)."""
        if epoch < 0 or not 0 <= step < self.steps_per_epoch:
            raise ValueError(
                f"Expected epoch >= 0 and step below {self.steps_per_epoch}, received {epoch} and {step}."
            )
        return self._order(epoch)[self._positions(step)]

    def batch(self, epoch: int, step: int) -> Batch:
        """Batch `step` of `epoch`: a pure function of these, the seed and the shard.

        Returns images, float32 (b, height, width, 3), normalised; labels, float32 (b, classes), one-hot
        before mixing; sample weights, float32 (b,). Raises UserError that names a file which cannot be
        decoded.
        """
        indices = self.indices(epoch, step)
        pixels = np.stack(self._read_all(indices, epoch))
        labels = np.zeros((len(indices), self.classes), np.float32)
        labels[np.arange(len(indices)), self.split.labels[indices]] = 1
        weights = np.ones(len(indices), np.float32)
        if not self.shuffle:
            weights[self._positions(step) >= len(self.split)] = 0
        if self.augmentation is None:
            return self.preprocessing.normalise(pixels), labels, weights
        images = self.augmentation.images(pixels.astype(np.float32), self.seed, epoch, indices)
        images, labels = self.augmentation.mix(images, labels, self.seed, epoch, indices)
        return self.preprocessing.normalise(images), labels, weights

    def stream(self, epoch: int = 0, step: int = 0, epochs: int | None = None) -> Any:
        """The batches from (epoch, step) on, made ahead in parallel, as `fit` and `evaluate` take them.

        Runs to the end of `epochs` epochs (the first of which begins at `step`), or without end when that is
        None. Give `fit` its `steps_per_epoch` and `evaluate` its `steps`: Keras cannot ask a generator for
        them. A tf.data.Dataset on the TensorFlow backend, a generator elsewhere; both give what `batch` gives.
        Fills the cache first.

        tf.data turns an exception into one of TensorFlow's own; `failure` then holds the original.
        """
        steps = self.steps_per_epoch
        self.indices(epoch, step)  # Checks both.
        self.fill(epoch)
        first = epoch * steps + step
        count = None if epochs is None else (epoch + epochs) * steps - first
        if keras.backend.backend() != "tensorflow":
            return generator_stream(self._numbered_batch, first, count)
        local = self.local_batch_size
        shapes = ((local, *self.preprocessing.input_size, 3), (local, self.classes), (local,))
        return tensorflow_stream(self._numbered_batch, first, count, shapes)

    def fill(self, epoch: int = 0) -> None:
        """Decodes into the cache, in parallel, what this shard needs in `epoch`: all images if it is alone.

        Does nothing for what is there already or when images are not cached. Raises UserError that names a
        file which cannot be decoded.
        """
        cache = self._cache
        if cache is None:
            return
        if self.shard[1] == 1:
            needed: Sequence[int] = range(len(self.split))
        else:
            steps = range(self.steps_per_epoch)
            needed = np.unique(np.concatenate([self.indices(epoch, step) for step in steps])).tolist()
        missing = [index for index in needed if cache.get(index) is None]

        def decode(part: Sequence[int]) -> int:
            for index in part:
                if cache.full:
                    break
                self._source(index)
            return len(part)

        parts = [missing[start : start + 64] for start in range(0, len(missing), 64)]
        with progress("Reading images", len(missing)) as done, ThreadPoolExecutor(self.workers) as pool:
            for decoded in pool.map(decode, parts):
                done(decoded)

    def _numbered_batch(self, number: int) -> Batch:
        try:
            return self.batch(*divmod(number, self.steps_per_epoch))
        except Exception as error:
            self.failure = error
            raise

    def _positions(self, step: int) -> NDArray[np.int64]:
        """Places in the epoch's order; those past the split's end are filled by repeats."""
        start = step * self.batch_size + self.shard[0] * self.local_batch_size
        return np.arange(start, start + self.local_batch_size)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """The split's indices in the order of `epoch`, repeated to fill whole batches; the same for all shards."""
        last = self._last_order
        if last is not None and (last[0] == epoch or not self.shuffle):
            return last[1]
        order = np.arange(len(self.split))
        if self.shuffle:
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        order = np.resize(order, max(len(order), self.steps_per_epoch * self.batch_size))
        self._last_order = (epoch, order)
        return order

    def _read_all(self, indices: NDArray[np.int64], epoch: int) -> list[NDArray[np.uint8]]:
        cached = self._cache is not None and all(self._cache.get(index) is not None for index in indices)
        if self.workers == 1 or (cached and not self._crops):
            return [self._read(int(index), epoch) for index in indices]
        # Starting threads costs far less than decoding a batch, and none is left behind.
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(lambda index: self._read(int(index), epoch), indices))

    def _read(self, index: int, epoch: int) -> NDArray[np.uint8]:
        image = self._source(index)
        if not self._crops or self.augmentation is None:
            return image
        rows, columns = image.shape[:2]
        top, left, height, width = self.augmentation.crop_box(rows, columns, self.seed, epoch, index)
        crop = np.ascontiguousarray(image[top : top + height, left : left + width])
        return fast_resize(crop, self.preprocessing.input_size)

    def _source(self, index: int) -> NDArray[np.uint8]:
        """What is cached: the preprocessed pixels, or the original ones when they are to be cropped at random."""
        image = self._cache.get(index) if self._cache is not None else None
        if image is None:
            image = self.split.pixels(index)
            if not self._crops:
                image = self.preprocessing.pixels(image)
            if self._cache is not None:
                self._cache.put(index, image)
        return image

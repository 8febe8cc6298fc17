"""Batches of a split, each a pure function of (seed, epoch, step)."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.data.dataset import ImageSplit
from tformer_keras.data.pixel_processes import PixelProcesses
from tformer_keras.data.pixel_source import PixelSource
from tformer_keras.data.streams import PARALLEL_BATCHES, generator_stream, tensorflow_stream
from tformer_keras.tasks.task import Batch, Task

# float32 images of one batch: several are made ahead.
MAX_BATCH_BYTES = 4 << 30
MAX_PROCESSES = 256


class Loader:
    """Makes batches of `split`: decoded, preprocessed, augmented, normalised.

    Arguments:
        split: the images and what is known of them.
        preprocessing: input size, resize rule and normalisation.
        batch_size: images in a *global* batch, over all shards; a multiple of the number of shards.
        seed: 0 or more; orders and augmentations follow from (seed, epoch, image index) alone.
        shuffle: True for training: every epoch in another order, the same for all shards; the last partial
            batch is dropped, and a split smaller than one batch is repeated to fill it. False for evaluation:
            in order, the last batch filled up with images of sample weight 0.
        augmentation: None, or what changes the training images; see `augmentation.Augmentation`.
        task: what makes the truth of a batch from annotations.
        classes: of the dataset.
        shard: (index, count): this loader yields the index-th contiguous slice of each global batch, and
            reads only those files.
        cache_bytes: memory for decoded images. They are kept as they are after resizing and cropping if the
            whole split fits, otherwise decoded each time; with a random resized crop, as many originals as
            fit are kept.
        workers: threads that decode images, where no processes do.
        processes: that decode and augment the images of `stream` (see `pixel_processes.py`); 0: this one does. They
            begin with the first stream and end with `close`.
        limit: batches of an epoch at most, for trials; None: all.

    Raises UserError for settings that cannot work together.
    """

    def __init__(
        self,
        split: ImageSplit,
        preprocessing: Preprocessing,
        batch_size: int,
        *,
        shuffle: bool,
        task: Task,
        classes: int,
        seed: int = 0,
        augmentation: Augmentation | None = None,
        shard: tuple[int, int] = (0, 1),
        cache_bytes: int = 2**30,
        workers: int = 2,
        processes: int = 0,
        limit: int | None = None,
    ) -> None:
        index, count = shard
        if not len(split):
            raise UserError("a split of at least one image", "an empty one", "add images")
        if count < 1 or not 0 <= index < count:
            raise UserError(
                "a shard (index, count) with 0 <= index < count", str(shard), "number the processes from 0"
            )
        if batch_size < 1 or batch_size % count:
            raise UserError(
                f"a batch size that is a multiple of {count} (the processes)",
                str(batch_size),
                "choose another",
            )
        height, width = preprocessing.input_size
        if (batch_size // count) * height * width * 12 > MAX_BATCH_BYTES:
            raise UserError(
                f"a batch of up to {MAX_BATCH_BYTES >> 30} GB",
                f"{batch_size // count} images of {height} x {width}",
                "choose a smaller batch size, and --accumulate for the same step",
            )
        if augmentation is not None and augmentation.mixes:
            if not task.mixes:
                raise UserError(
                    f"no MixUp and no CutMix for {task.name}, whose truth cannot be mixed",
                    "an augmentation with one of them",
                    "leave them out",
                )
            if count > 1 and (batch_size // count) % 2:
                raise UserError(
                    "an even number of images a process, because neighbours are mixed",
                    f"{batch_size} over {count} processes",
                    f"choose a batch size that is a multiple of {2 * count}",
                )
        if seed < 0 or workers < 1 or cache_bytes < 0 or not 0 <= processes <= MAX_PROCESSES:
            raise UserError(
                f"seed >= 0, workers >= 1, cache_bytes >= 0 and processes of 0 to {MAX_PROCESSES}",
                f"{seed}, {workers}, {cache_bytes} and {processes}",
                "correct them",
            )
        self.split = split
        self.preprocessing = preprocessing
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.task = task
        self.classes = classes
        self.limit = limit
        self.seed = seed
        self.augmentation = augmentation
        self.shard = shard
        self.workers = workers
        self.failure: Exception | None = None
        self.processes = processes
        self._source_of: dict[str, Any] = {
            "split": split,
            "preprocessing": preprocessing,
            "augmentation": augmentation,
            "seed": seed,
            "cache_bytes": cache_bytes,
            "threads": workers,
        }
        self._source = PixelSource(**self._source_of)
        self._pool: PixelProcesses | None = None
        self._last_order: tuple[int, NDArray[np.int64]] | None = None

    @property
    def local_batch_size(self) -> int:
        """Images of a batch that this shard yields."""
        return self.batch_size // self.shard[1]

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, at least 1."""
        whole = -(-len(self.split) // self.batch_size)
        if self.shuffle:
            whole = max(1, len(self.split) // self.batch_size)
        return whole if self.limit is None else min(whole, self.limit)

    def indices(self, epoch: int, step: int) -> NDArray[np.int64]:
        """Indices into the split of this shard's images of a batch: int64 of shape (local batch,)."""
        if epoch < 0 or not 0 <= step < self.steps_per_epoch:
            raise ValueError(
                f"Expected epoch >= 0 and step below {self.steps_per_epoch}, received {epoch} and {step}."
            )
        return self._order(epoch)[self._positions(step)]

    def evaluated(self) -> NDArray[np.int64]:
        """Indices of the images that a judge gets in an epoch in order, first all of shard 0, then all of shard 1, …:
        as judges that are merged number them. Without those that fill the last batch."""
        steps, count = self.steps_per_epoch, self.shard[1]
        places = np.arange(steps * self.batch_size).reshape(steps, count, -1).swapaxes(0, 1).ravel()
        return places[places < len(self.split)]

    def batch(self, epoch: int, step: int) -> Batch:
        """Batch `step` of `epoch`: a pure function of these, the seed and the shard.

        Returns images, float32 (b, height, width, 3), normalised; the task's truth, a tuple of arrays (b, …); sample
        weights, float32 (b,). Raises UserError that names a file which cannot be decoded.
        """
        indices = self.indices(epoch, step)
        images, placements = (self._pool or self._source).pixels(indices, epoch)
        weights = np.ones(len(indices), np.float32)
        if not self.shuffle:
            weights[self._positions(step) >= len(self.split)] = 0
        annotations = [self.split.annotation(int(index)) for index in indices]
        augmentation = self.augmentation
        truth = self.task.encode(annotations, placements, self.preprocessing.input_size, self.classes)
        if augmentation is None or not augmentation.mixes:
            return self.preprocessing.normalise(images), truth, weights
        mixed, shares = augmentation.mix(images, truth[0], self.seed, epoch, indices)
        return self.preprocessing.normalise(mixed), (shares,), weights

    def stream(self, epoch: int = 0, step: int = 0, epochs: int | None = None) -> Any:
        """The batches from (epoch, step) on, made ahead in parallel, as `fit` and `evaluate` take them.

        Runs to the end of `epochs` epochs (the first of which begins at `step`), or without end when that is
        None. Give `fit` its `steps_per_epoch` and `evaluate` its `steps`: Keras cannot ask a generator for
        them. A tf.data.Dataset on the TensorFlow backend, a generator elsewhere; both give what `batch` gives.
        Fills the cache first, or begins the processes.

        tf.data turns an exception into one of TensorFlow's own; `failure` then holds the original.
        """
        steps = self.steps_per_epoch
        self.indices(epoch, step)  # Checks both.
        parallel = PARALLEL_BATCHES
        if not self.processes:
            self.fill(epoch)
        else:
            # The processes have each a share of a batch, and seldom equal ones: the next batches level that.
            parallel *= 2
            if self._pool is None:
                self._pool = PixelProcesses(self._source_of, self.processes, self.local_batch_size, parallel)
        first = epoch * steps + step
        count = None if epochs is None else (epoch + epochs) * steps - first
        if keras.backend.backend() != "tensorflow":
            return generator_stream(self._numbered_batch, first, count, parallel)
        local, size = self.local_batch_size, self.preprocessing.input_size
        truth = [((local, *shape), kind) for shape, kind in self.task.truth_shapes(size, self.classes)]
        arrays = [((local, *size, 3), "float32"), *truth, ((local,), "float32")]
        return tensorflow_stream(self._numbered_batch, first, count, arrays, parallel)

    def fill(self, epoch: int = 0) -> None:
        """Decodes into the cache, in parallel, what this shard needs in `epoch`: all images if it is alone.

        Does nothing for what is there already or when images are not cached. Raises UserError that names a
        file which cannot be decoded.
        """
        if self._source.cache is None:
            return
        needed: Sequence[int] = range(len(self.split))
        if self.shard[1] > 1:
            steps = range(self.steps_per_epoch)
            needed = np.unique(np.concatenate([self.indices(epoch, step) for step in steps])).tolist()
        self._source.fill(needed, epoch)

    def close(self) -> None:
        """Ends the processes, if there are any; no stream is used after that."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

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


@contextlib.contextmanager
def naming_file(loader: Loader) -> Iterator[None]:
    """Within the context an error of tf.data is replaced by the loader's own, which names the file."""
    try:
        yield
    except Exception as error:
        if loader.failure is not None:
            raise loader.failure from error
        raise

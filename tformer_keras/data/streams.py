"""Batches made ahead of time: a tf.data.Dataset on the TensorFlow backend, a generator with threads elsewhere."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tformer_keras.tasks.task import Batch

# Two batches in the making (one may wait for the disk while the other computes) and as many ready.
PARALLEL_BATCHES = 2
READY_BATCHES = 2
THREAD_PREFIX = "tformer-batches"


def generator_stream(
    make: Callable[[int], Batch], first: int, count: int | None, parallel: int = PARALLEL_BATCHES
) -> Iterator[Batch]:
    """Yields ``make(first)``, ``make(first + 1)``, … in this order, `count` of them or (None) without end.

    `parallel` of them are made at once.

    Threads work ahead only as far as the consumer has come, and end with the generator: when it is exhausted,
    closed or collected.
    """
    numbers = itertools.count(first) if count is None else iter(range(first, first + count))
    pool = ThreadPoolExecutor(parallel, thread_name_prefix=THREAD_PREFIX)
    waiting: deque[Future[Batch]] = deque()
    try:
        for number in itertools.islice(numbers, parallel + READY_BATCHES - 1):
            waiting.append(pool.submit(make, number))
        for number in numbers:
            waiting.append(pool.submit(make, number))
            yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def tensorflow_stream(
    make: Callable[[int], Batch],
    first: int,
    count: int | None,
    arrays: Sequence[tuple[tuple[int, ...], str]],
    parallel: int = PARALLEL_BATCHES,
) -> Any:
    """The same batches as a tf.data.Dataset; `arrays` has (static shape, dtype) of images, each truth, and weights."""
    import tensorflow as tf

    def flat(number: Any) -> list[Any]:
        images, truth, weights = make(int(number))
        return [images, *truth, weights]

    def load(number: Any) -> Any:
        tensors = tf.numpy_function(flat, [number], [dtype for _, dtype in arrays], stateful=False)
        for tensor, (shape, _) in zip(tensors, arrays, strict=True):
            tensor.set_shape(shape)
        images, *truth, weights = tensors
        return images, tuple(truth), weights

    numbers = tf.data.Dataset.counter(start=first)
    if count is not None:
        numbers = numbers.take(count)
    batches = numbers.map(load, num_parallel_calls=parallel, deterministic=True)
    return batches.prefetch(READY_BATCHES)

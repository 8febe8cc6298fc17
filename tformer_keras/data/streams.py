"""Batches made ahead of time: a tf.data.Dataset on the TensorFlow backend, a generator with threads elsewhere."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]

# Two batches in the making (one may wait for the disk while the other computes) and as many ready.
PARALLEL_BATCHES = 2
READY_BATCHES = 2
THREAD_PREFIX = "tformer-batches"


def generator_stream(make: Callable[[int], Batch], first: int, count: int | None) -> Iterator[Batch]:
    """Yields ``make(first)``, ``make(first + 1)``, … in this order, `count` of them or (None) without end.

    Threads work ahead only as far as the consumer has come, and end with the generator: when it is exhausted,
    closed or collected.
    """
    numbers = itertools.count(first) if count is None else iter(range(first, first + count))
    pool = ThreadPoolExecutor(PARALLEL_BATCHES, thread_name_prefix=THREAD_PREFIX)
    waiting: deque[Future[Batch]] = deque()
    try:
        for number in itertools.islice(numbers, PARALLEL_BATCHES + READY_BATCHES - 1):
            waiting.append(pool.submit(make, number))
        for number in numbers:
            waiting.append(pool.submit(make, number))
            yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def tensorflow_stream(
    make: Callable[[int], Batch], first: int, count: int | None, shapes: tuple[tuple[int, ...], ...]
) -> Any:
    """The same batches as a tf.data.Dataset with the static `shapes` of the three arrays, float32 each."""
    import tensorflow as tf

    def load(number: Any) -> Any:
        arrays = tf.numpy_function(lambda value: make(int(value)), [number], [tf.float32] * 3, stateful=False)
        for array, shape in zip(arrays, shapes, strict=True):
            array.set_shape(shape)
        return tuple(arrays)

    numbers = tf.data.Dataset.counter(start=first)
    if count is not None:
        numbers = numbers.take(count)
    batches = numbers.map(load, num_parallel_calls=PARALLEL_BATCHES, deterministic=True)
    return batches.prefetch(READY_BATCHES)

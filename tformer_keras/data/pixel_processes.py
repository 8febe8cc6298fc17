"""The pixels of batches made by processes of their own: decoding and augmenting hold Python's lock for half their time.

An image is always read by the same process, which so caches its own share of them; the pixels come back in shared
memory. What they are does not depend on who makes them: batches are the same to the bit with any number of processes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_keras.data.pixel_source import PixelSource
from tformer_keras.data.placement import Placement

SHARED = "/dev/shm"  # where Linux keeps shared memory; containers often give it 64 MB

_CLOSED = -1

# In a worker: its own source, and the pixels of all batches that are in the making.
_source: PixelSource
_memory: SharedMemory
_slots: NDArray[np.uint8]


class PixelProcesses:
    """A pool of processes, each with a `PixelSource` of its own.

    Args:
        source: constructor arguments of `PixelSource` by name; its split must be picklable.
        count: processes, ≥ 1.
        batch: images of a batch at most.
        slots: batches that are made at once.

    Raises UserError for a split that cannot be sent to another process, or too little shared memory.
    """

    def __init__(self, source: dict[str, Any], count: int, batch: int, slots: int) -> None:
        height, width = source["preprocessing"].input_size
        shape = (slots, batch, height, width, 3)
        size = int(np.prod(shape))
        arguments = {**source, "cache_bytes": source["cache_bytes"] // count, "threads": 1}
        try:
            pickled = pickle.dumps(arguments)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise UserError(
                "images that another process can read",
                f"a split that cannot be sent to one ({error})",
                "use none",
            ) from error
        _check_room(size)
        self.count = count
        self._memory = SharedMemory(create=True, size=size)
        self._pixels: NDArray[np.uint8] = np.ndarray(shape, np.uint8, self._memory.buf)
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(slots):
            self._free.put(slot)
        # A fork would copy a framework's locks, but none of the threads that hold them.
        context = multiprocessing.get_context("spawn")
        self._pools = [
            ProcessPoolExecutor(1, context, _begin, (pickled, self._memory.name, shape)) for _ in range(count)
        ]

    def pixels(self, indices: NDArray[np.int64], epoch: int) -> tuple[NDArray[np.uint8], list[Placement]]:
        """As `PixelSource.pixels`; may be called from several threads.

        Raises UserError: an image cannot be decoded, or a process died.
        """
        slot = self._free.get()
        if slot == _CLOSED:
            self._free.put(_CLOSED)
            raise RuntimeError("these processes have ended")
        try:
            rows = [np.flatnonzero(indices % self.count == number) for number in range(self.count)]
            asked: list[tuple[NDArray[np.int64], Future[list[Placement]]]] = [
                (own, pool.submit(_make, indices[own], epoch, slot, own))
                for own, pool in zip(rows, self._pools, strict=True)
                if len(own)
            ]
            # All of them, whatever one of them says: a process that is still at it writes into the slot.
            wait([future for _, future in asked])
            placements: list[Any] = [None] * len(indices)
            for own, future in asked:
                for row, placement in zip(own.tolist(), future.result(), strict=True):
                    placements[row] = placement
            return self._pixels[slot, : len(indices)].copy(), placements
        except BrokenProcessPool as error:
            raise UserError(
                "processes that make batches until the training ends",
                "the death of one of them",
                "look for a lack of memory, and take fewer --workers",
            ) from error
        finally:
            self._free.put(slot)

    def close(self) -> None:
        """Ends the processes, after what they are making, and gives the memory back."""
        for _ in range(len(self._pixels)):
            self._free.get()
        self._free.put(_CLOSED)
        for pool in self._pools:
            pool.shutdown(wait=True, cancel_futures=True)
        del self._pixels
        self._memory.close()
        with contextlib.suppress(FileNotFoundError):
            self._memory.unlink()


def _check_room(size: int) -> None:
    """Raises UserError where shared memory is too small: writing past its end would kill the process."""
    if not os.path.isdir(SHARED):
        return
    found = os.statvfs(SHARED)
    free = found.f_bavail * found.f_frsize
    if free < size:
        raise UserError(
            f"{size:,} bytes of shared memory in {SHARED}",
            f"{free:,}",
            "give the container more (--shm-size), or take no --workers",
        )


def _begin(pickled: bytes, name: str, shape: tuple[int, ...]) -> None:
    """Prepares a worker."""
    global _source, _memory, _slots
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent, which gets it too, ends its workers in order
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # no accelerator is touched here
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _source = PixelSource(**pickle.loads(pickled))
    _memory = SharedMemory(name)
    _slots = np.ndarray(shape, np.uint8, _memory.buf)


def _end_with_parent() -> None:
    """A parent that is killed closes no pool: nobody would ever wake its workers."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _make(indices: NDArray[np.int64], epoch: int, slot: int, rows: NDArray[np.int64]) -> list[Placement]:
    """Writes the images' pixels to the rows of a slot; returns how their pictures were placed."""
    _slots[slot, rows], placements = _source.pixels(indices, epoch)
    return placements

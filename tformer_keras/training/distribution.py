"""Several processes and several devices, by Keras' own data parallelism on the JAX backend."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from tformer_edge.errors import UserError


@dataclass(frozen=True)
class Cluster:
    """This process' place: `index` of `processes`, and `devices` over all of them."""

    index: int = 0
    processes: int = 1
    devices: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes files and speaks: only the first does."""
        return self.index == 0

    def check_batch(self, batch_size: int) -> None:
        """Raises UserError unless a global batch divides among the devices, into even shares for MixUp's pairs."""
        if batch_size % self.devices:
            raise UserError(
                f"a batch size that {self.devices} devices divide evenly",
                str(batch_size),
                f"choose a multiple of {self.devices}",
                where="--batch-size",
            )


def join(processes: int | None, index: int | None, coordinator: str | None) -> Cluster:
    """Joins the other processes, if any, and spreads batches over every device; call it before any model is made.

    Args:
        processes: how many processes train together, or None for this one alone.
        index: this one's number, 0 to processes - 1.
        coordinator: "HOST:PORT" of process 0, the same for all.

    Raises:
        UserError: options are missing or out of range, or the backend cannot do it.
    """
    if processes is None or processes == 1:
        if index not in (None, 0):
            raise UserError(
                f"--processes together with --process-id {index}", "none", "give the number of processes"
            )
        return _spread(0, 1)
    if keras.backend.backend() != "jax":
        raise UserError("the JAX backend for several processes", keras.backend.backend(), "add --backend jax")
    if (
        processes < 1
        or index is None
        or not 0 <= index < processes
        or not coordinator
        or ":" not in coordinator
    ):
        raise UserError(
            "--processes N with --process-id from 0 to N - 1 and --coordinator HOST:PORT",
            f"--processes {processes} --process-id {index} --coordinator {coordinator}",
            "give all three",
        )
    keras.distribution.initialize(job_addresses=coordinator, num_processes=processes, process_id=index)
    return _spread(index, processes)


def _spread(index: int, processes: int) -> Cluster:
    if keras.backend.backend() != "jax":
        return Cluster()
    devices = keras.distribution.list_devices()
    if len(devices) > 1:
        # Each process' loader gives its own share of every batch already.
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
        )
    return Cluster(index, processes, len(devices))


def from_first(cluster: Cluster, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """`arrays` of process 0, on every process; they must have equal names and shapes everywhere."""
    if cluster.processes == 1:
        return arrays
    from jax.experimental import multihost_utils

    return {name: np.asarray(multihost_utils.broadcast_one_to_all(array)) for name, array in arrays.items()}


def any_of(cluster: Cluster, flag: bool) -> bool:
    """Whether `flag` is set on any process; all of them must ask at the same step."""
    if cluster.processes == 1:
        return flag
    from jax.experimental import multihost_utils

    return bool(np.any(multihost_utils.process_allgather(np.array([flag]))))


def gathered(cluster: Cluster, arrays: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """`arrays` of every process, in their order, to the bit; equal names and dtypes everywhere, and equal shapes but
    for the first axis."""
    if cluster.processes == 1:
        return [arrays]
    from jax.experimental import multihost_utils

    everywhere: list[dict[str, np.ndarray]] = [{} for _ in range(cluster.processes)]
    for name, array in arrays.items():
        # As bytes: JAX would round float64 to float32.
        raw = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8)
        sizes = np.asarray(multihost_utils.process_allgather(np.array([raw.size], np.int32)))[:, 0]
        padded = np.zeros(int(sizes.max()), np.uint8)
        padded[: raw.size] = raw
        shape = (-1, *array.shape[1:]) if array.ndim else ()
        rows = np.asarray(multihost_utils.process_allgather(padded))
        for found, data, size in zip(everywhere, rows, sizes.tolist(), strict=True):
            found[name] = np.frombuffer(data[:size].tobytes(), array.dtype).reshape(shape)
    return everywhere


def agree(cluster: Cluster, act: Callable[[], bytes]) -> bytes:
    """What `act` gave on process 0, which alone calls it, on every process; and so the mistake that it found.

    Raises:
        UserError: `act` raised one.
    """
    if cluster.processes == 1:
        return act()
    message = b""
    if cluster.writes:
        try:
            message = b"+" + act()
        except UserError as error:
            message = b"-" + str(error).encode()
    length = from_first(cluster, {"length": np.array([len(message)], np.int32)})["length"][0]
    padded = np.zeros(int(length), np.uint8)
    if cluster.writes:
        padded[:] = np.frombuffer(message, np.uint8)
    message = from_first(cluster, {"message": padded})["message"].astype(np.uint8).tobytes()
    if message.startswith(b"-"):
        raise UserError.relayed(message[1:].decode())
    return message[1:]

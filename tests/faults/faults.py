"""What goes wrong: faults of the machine and the environment by name, and ways to damage what a command reads."""

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from tests.faults.process import Fault

# The n-th flush of a file kills the process, as a power cut would.
KILL_AT_FLUSH = """
import os, signal
_flushes, _fsync = 0, os.fsync
def fsync(descriptor):
    global _flushes
    _flushes += 1
    if _flushes == int(os.environ["KILL_AT"]):
        os.kill(os.getpid(), signal.SIGKILL)
    _fsync(descriptor)
os.fsync = fsync
"""
# Every write behind the first 2,000 bytes fails, as where a disk is full: Python's files and C's alike.
FULL = 2000

FAULTS: dict[str, Fault] = {
    "nothing": Fault(codes=(0,)),
    "stdout closed": Fault(stdout="closed"),
    "stdout full": Fault(stdout="/dev/full", codes=(1,)),
    "stdin closed": Fault(stdin="closed", codes=(0,)),
    "ASCII terminal": Fault({"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}, codes=(0,)),
    "disk full": Fault(file_bytes=FULL),
    "no such backend": Fault({"KERAS_BACKEND": "nonsense"}),
    "backend not there": Fault({"KERAS_BACKEND": "torch"}),
    "no temporary folder": Fault({"TMPDIR": "/nonexistent"}),
    "no home": Fault(
        {"HOME": "/nonexistent", "KERAS_HOME": "/nonexistent/keras", "MPLCONFIGDIR": "/nonexistent/m"}
    ),
    "other Keras defaults": Fault(codes=(0,)),  # KERAS_HOME is set to a folder with such a file
    "no asserts": Fault({"PYTHONOPTIMIZE": "1"}, codes=(0,)),
    "no docstrings": Fault({"PYTHONOPTIMIZE": "2"}),
    "odd locale": Fault({"LC_ALL": "tr_TR.UTF-8", "TZ": "Nowhere/Nothing"}, codes=(0,)),
}
KERAS_JSON = '{"floatx": "float16", "epsilon": 0.1, "backend": "jax", "image_data_format": "channels_first"}'


def keras_home(folder: Path) -> dict[str, str]:
    """The environment in which Keras finds a user's file with other defaults."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keras.json").write_text(KERAS_JSON)
    return {"KERAS_HOME": str(folder)}


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    for place in np.random.default_rng(0).integers(0, len(data), 40):
        changed[place] ^= 1 << int(place) % 8
    return bytes(changed)


def _zip_bomb(data: bytes) -> bytes:
    """A zip with Keras' entries, one of which becomes 8 GB."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in ("config.json", "metadata.json"):
            archive.writestr(name, "{}")
        with archive.open("model.weights.h5", "w", force_zip64=True) as entry:
            chunk = bytes(16 << 20)
            for _ in range(64):  # 1 GB: as good as 8 to show the kind, and made in seconds
                entry.write(chunk)
    return packed.getvalue()


def _sparse_weights(data: bytes) -> bytes:
    """The same model, with a weight of 16 GB that takes no room in its HDF5 file."""
    if not data.startswith(b"PK"):
        return data[:-1]
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        group = file.create_group("layers/dense/vars")
        group.create_dataset("0", shape=(1 << 16, 1 << 16), dtype="float32", chunks=(1024, 1024))
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(name, weights.getvalue() if name.endswith("weights.h5") else old.read(name))
    return packed.getvalue()


def _deep_json(data: bytes) -> bytes:
    """The same model, with a configuration of 100,000 lists in each other."""
    if not data.startswith(b"PK"):
        return b"[" * 100_000
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"[" * 100_000 if name == "config.json" else old.read(name))
    return packed.getvalue()


def _huge_array(data: bytes) -> bytes:
    """An .npz whose header says 64 GB."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (16000000000,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "options.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)
        )
    return packed.getvalue()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut": _cut,
    "bits flipped": _flipped,
    "zeros": lambda data: bytes(len(data)),
    "another type": lambda data: b"\x89PNG\r\n\x1a\n" + data,
    "zip bomb": _zip_bomb,
    "sparse weights": _sparse_weights,
    "deep JSON": _deep_json,
    "huge array": _huge_array,
}
# What lies at the path instead of a file.
THINGS: dict[str, Callable[[Path], None]] = {
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir())[1],
    "a dangling link": lambda path: (path.unlink(), path.symlink_to("nowhere"))[1],
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path))[1],
}

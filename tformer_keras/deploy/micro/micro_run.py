"""Runs a flatbuffer in TensorFlow Lite Micro and measures its arena, in a child process that a bad file may end."""

from __future__ import annotations

import importlib.util
import re
import resource
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError

CHILD = Path(__file__).with_name("micro_child.py")
SECONDS = 600.0
MAX_ADDRESS_SPACE = 8 << 30


@dataclass(frozen=True)
class MicroRun:
    """What TFLite Micro computed, and what it took.

    Attributes:
        outputs: each output for all inputs, (n, *output shape).
        head: bytes of the arena for activations and scratch memory, shared over time.
        tail: bytes for what lives as long as the interpreter: structures of tensors and operations.
        parts: bytes of the tail by kind, as TFLite Micro's recorder names them.
    """

    outputs: list[NDArray[Any]]
    head: int
    tail: int
    parts: dict[str, int]

    @property
    def arena(self) -> int:
        """Bytes of the arena on this machine, whose pointers have 64 bits."""
        return self.head + self.tail


def run_in_micro(flatbuffer: bytes, inputs: NDArray[Any], count: int = 1) -> MicroRun:
    """Runs each of `inputs`, (n, *input shape), at least one, on a model of `count` outputs.

    Raises:
        UserError: without the package tflite-micro; for a model that TFLite Micro refuses, that ends the process, or
            that takes longer than SECONDS.
    """
    if importlib.util.find_spec("tflite_micro") is None:
        raise UserError(
            "the package tflite-micro", "none", "pip install 'tformer-keras[micro]' (x86-64 Linux)"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(flatbuffer)
        np.save(folder / "inputs.npy", inputs)
        try:
            done = subprocess.run(
                [sys.executable, "-P", str(CHILD), name, str(count)],
                capture_output=True,
                timeout=SECONDS,
                preexec_fn=_limit_memory,
            )
        except subprocess.TimeoutExpired:
            raise _refused(f"one that took over {SECONDS:g} s") from None
        if done.returncode:
            raise _refused(_reason(done))
        with np.load(folder / "outputs.npz", allow_pickle=False) as file:
            outputs = [file[f"arr_{number}"] for number in range(count)]
        return MicroRun(outputs, *_allocations((folder / "allocations.txt").read_text(errors="replace")))


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))


def _refused(reason: str) -> UserError:
    return UserError(
        "a model that TensorFlow Lite Micro can run",
        f"{reason}",
        "convert it again with converters/to_tflite.py --target micro",
    )


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        return f"one that crashed its process ({signal.Signals(-done.returncode).name})"
    lines = [line.strip() for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    # What TFLite Micro said stands before Python's traceback.
    said = [line for line in lines if not line.startswith(("Traceback", "File ", "^", "RuntimeError"))]
    return f"one of which it says '{said[0] if said else 'nothing'}'"


def _allocations(text: str) -> tuple[int, int, dict[str, int]]:
    found = {part: int(size) for part, size in re.findall(r"Arena allocation (head|tail) (\d+) bytes", text)}
    parts = {part: int(size) for part, size in re.findall(r"'([^']+)' used (\d+) bytes", text)}
    if set(found) != {"head", "tail"}:
        raise UserError(
            "TensorFlow Lite Micro to print its allocations",
            "other text",
            "install the version of tflite-micro that setup.cfg names",
        )
    return found["head"], found["tail"], parts

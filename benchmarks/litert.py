"""A .tflite file in LiteRT with XNNPACK, ready to be run again and again."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import numpy as np

from tformer_edge.quiet import quiet


def random_input(detail: dict[str, Any]) -> np.ndarray:
    """A tensor for an interpreter's input: every value of an integer type equally likely, else standard normal."""
    random = np.random.default_rng(0)
    if np.issubdtype(detail["dtype"], np.integer):
        limits = np.iinfo(detail["dtype"])
        return random.integers(limits.min, limits.max + 1, detail["shape"]).astype(detail["dtype"])
    return random.standard_normal(detail["shape"]).astype(detail["dtype"])


class Model:
    """A file in an interpreter of its own, its inputs filled with noise.

    Args:
        path: of the .tflite file.
        threads: at least 1.
    """

    def __init__(self, path: Path, threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.bytes = path.stat().st_size
        with quiet():
            self.interpreter = Interpreter(str(path), num_threads=threads)
            self.operations = self._counts()
            self.interpreter.allocate_tensors()
        # Delegated parts are listed behind the operations of the file.
        self.partitions = self._counts()["DELEGATE"]
        for detail in self.interpreter.get_input_details():
            self.interpreter.set_tensor(detail["index"], random_input(detail))

    def _counts(self) -> collections.Counter[str]:
        return collections.Counter(operation["op_name"] for operation in self.interpreter._get_ops_details())

    def run(self) -> None:
        """One inference."""
        self.interpreter.invoke()

"""The device half of a task: what its tensors must be, and what they say about a picture.

The server half, how it is taught and judged, is `tformer_keras/tasks/task.py`; both are found by the contract's `task`.
"""

import argparse
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge.interface import Interface
from tformer_edge.runner import TensorInfo


class Answer(Protocol):
    """What a model says about one picture."""

    def line(self) -> str:
        """For people, on one line, without the picture's name."""

    def to_json(self) -> dict[str, Any]:
        """For programs: JSON types, the same keys wherever a command prints this task's answers."""

    def draw(self, image: Image.Image) -> Image.Image:
        """A copy of the picture that shows the answer."""


class Task(Protocol):
    """The device half of a task.

    Attributes:
        name: the contract's `task`.
    """

    name: str

    def check(self, interface: Interface, given: TensorInfo, outputs: tuple[TensorInfo, ...]) -> None:
        """Raises UserError where the flatbuffer's tensors are not what the contract, or the arguments, say."""

    def golden_bytes(self, contract: Any) -> int | None:
        """Bytes of all outputs of one golden vector, or None where the contract alone does not tell."""

    def answer(
        self, outputs: Sequence[NDArray[Any]], infos: Sequence[TensorInfo], interface: Interface, options: Any
    ) -> Answer:
        """What the output tensors of one image, without their batch axis, say.

        Args:
            outputs: the file's own values.
            infos: what the tensors are; dequantizes them.
            interface: labels and meaning.
            options: what `add_arguments` declared, or the same from Python; the task's own frozen dataclass.
        """

    def agreement(self, one: Sequence[NDArray[Any]], other: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
        """Of the outputs of two runs of a model, (n, …) each: which images get the same answer, (n,)."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the options of this task's answers, such as --top."""

    def options(self, args: argparse.Namespace) -> Any:
        """What was given for them. Raises UserError for values out of range."""

"""The device half of a task: what its tensors must be, and what they say about a picture.

The server half, how it is taught and judged, is `tformer_keras/tasks/task.py`; both are found by the contract's `task`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge.model_json import Contract
from tformer_edge.runner import TensorInfo


class Answer(Protocol):
    """What a model says about one picture."""

    def line(self) -> str:
        """For people, on one line, without the picture's name."""

    def to_json(self) -> dict[str, Any]:
        """For programs: JSON types, the same keys wherever a command prints this task's answers."""

    def draw(self, image: Image.Image) -> Image.Image:
        """A copy of the picture, RGB, that shows the answer."""


class Meaning(Protocol):
    """What is known of a model's outputs: `labels`, one text a class, and `meaning`, as the contract says them."""

    @property
    def labels(self) -> Sequence[str]: ...

    @property
    def meaning(self) -> str: ...


class Task(Protocol):
    """The device half of a task.

    Attributes:
        name: the contract's `task`.
        default_options: what `answer` is given where nobody asked for anything.
    """

    name: str
    default_options: Any

    def output_shapes(self, batch: int, labels: int) -> list[tuple[int, ...]] | None:
        """The shapes that the outputs of a model with so many labels must have; None where it alone does not tell."""

    def answer(
        self, values: Sequence[NDArray[Any]], infos: Sequence[TensorInfo], meaning: Meaning, options: Any
    ) -> Answer:
        """What the outputs say of one image.

        Args:
            values: the file's own values, without the batch axis.
            infos: what the tensors are; dequantizes them.
            meaning: of the outputs.
            options: the task's own, see `tasks.OPTIONS`.
        """

    def agreement(self, one: Sequence[NDArray[Any]], other: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
        """Of the outputs of two runs of a model, (n, …) each: which images get the same answer, (n,)."""

    def golden_bytes(self, contract: Contract) -> int | None:
        """Bytes of all outputs of one golden vector; None where the contract alone does not tell."""

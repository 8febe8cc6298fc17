"""The device half of a task: what its tensors must be, and what they say about a picture.

The server half, how it is taught and judged, is `tformer_keras/tasks/task.py`; both are found by the contract's `task`.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge.certainty import Certainty
from tformer_edge.frame import Frame
from tformer_edge.output_json import Colour, DetectionRule, Output
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
    """What is known of a model's outputs: `labels`, one text a class, and the rest as the contract says it."""

    @property
    def labels(self) -> Sequence[str]: ...

    @property
    def meaning(self) -> str: ...

    @property
    def outputs(self) -> Sequence[Output]: ...

    @property
    def detection(self) -> DetectionRule | None: ...

    @property
    def colours(self) -> Sequence[Colour]: ...

    @property
    def certainty(self) -> Certainty | None: ...


class Task(Protocol):
    """The device half of a task.

    Attributes:
        name: the contract's `task`.
        default_options: what `answer` is given where nobody asked for anything.
    """

    name: str
    default_options: Any

    def output_shapes(
        self, batch: int, labels: int, size: tuple[int, int], outputs: Sequence[Output]
    ) -> list[tuple[int, ...]] | None:
        """The shapes of the outputs of a model of so many labels for an input of `size` pixels; None: not said."""

    def answer(
        self,
        values: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
        frame: Frame,
        options: Any,
    ) -> Answer:
        """What the outputs say of one image.

        Args:
            values: the file's own values, without the batch axis.
            infos: what the tensors are; dequantizes them.
            meaning: of the outputs.
            frame: where the picture lies in the input.
            options: the task's own, see `tasks.OPTIONS`.
        """

    def agreement(
        self,
        one: Sequence[NDArray[Any]],
        other: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
    ) -> NDArray[np.float64]:
        """Of the outputs of two runs of a model, (n, …) each: how far each image gets the same answer, (n,), 0 to 1."""

    def golden_answer(
        self,
        values: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
        size: tuple[int, int],
    ) -> bytes | None:
        """What the outputs say of a batch of inputs of `size` (docs/contract.md, "Golden answers"); None: nothing."""

"""The server half of a task: how it is taught and judged.

The device half, what its tensors say, is `tformer_edge/tasks/task.py`; both are found by the contract's `task`. What is
here is the same for models of Keras 3, of tf-keras with fake quantization, and in LiteRT: they all give output arrays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# A batch: images (b, h, w, c); the task's truth, arrays (b, …) of static shapes; weights (b,), 0 for padding.
Batch = tuple[NDArray[np.float32], tuple[NDArray[Any], ...], NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure with its name for people and its unit: ("top-1", 0.9142, "%") is shown as "top-1 91.42 %"."""

    name: str
    value: float
    unit: str = ""

    def __str__(self) -> str:
        shown = f"{100 * self.value:.2f} %" if self.unit == "%" else f"{self.value:.4f} {self.unit}".rstrip()
        return f"{self.name} {shown}"


class Evaluation(Protocol):
    """What an evaluation found, and how it is shown. Whoever holds one need not know of which task it is."""

    @property
    def images(self) -> int:
        """Images that were evaluated."""

    @property
    def headline(self) -> Figure:
        """The figure by which this task's models are compared."""

    @property
    def figures(self) -> Mapping[str, Figure]:
        """All figures by machine name (`top1`), the headline among them; histories put `val_` before the name."""

    def to_json(self) -> dict[str, Any]:
        """Plain data with everything."""

    def table(self) -> str:
        """Text for people, several lines."""

    def pictures(self) -> dict[str, bytes]:
        """File name → PNG."""


class Judge(Protocol):
    """Adds up what models answer, batch by batch, in NumPy."""

    def add(
        self, outputs: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], weights: NDArray[Any]
    ) -> None:
        """A batch: real-valued outputs (b, …) in the model's order, the loader's truth, weights (b,)."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that was added up, in arrays whose shapes depend on the task alone."""

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Adds what the judge of another process has added up."""

    def result(self) -> Evaluation:
        """The evaluation of everything added so far."""


class Task(Protocol):
    """The server half of a task.

    Attributes:
        name: the contract's `task`, the key in `TASKS` of both halves.
        device: the device half.
    """

    name: str
    device: Any

    def truth_shapes(
        self, size: tuple[int, int], class_names: Sequence[str]
    ) -> tuple[tuple[tuple[int, ...], str], ...]:
        """(shape without the batch axis, dtype) of each array of a batch's truth."""

    def encode(
        self,
        annotations: Sequence[Any],
        placements: Sequence[Any],
        size: tuple[int, int],
        class_names: Sequence[str],
    ) -> tuple[NDArray[Any], ...]:
        """The truth of a batch: what each image is annotated with, moved as its pixels were."""

    def meaning(self, model: Any) -> str:
        """What a Keras 3 model's outputs are, as the contract's `output_meaning` says it."""

    def loss(self, truth: Sequence[Any], outputs: Sequence[Any], weights: Any, recipe: Any) -> Any:
        """A batch's mean loss, by keras.ops alone: for both Kerases."""

    def distill(self, teacher: Sequence[Any], outputs: Sequence[Any], recipe: Any, kind: str) -> Any:
        """A batch's mean loss against a teacher's outputs ("soft" or "hard"), by keras.ops alone."""

    def judge(self, class_names: Sequence[str], meaning: str) -> Judge:
        """A new judge of outputs that mean `meaning`."""


def evaluate(
    run: Callable[[NDArray[np.float32]], Sequence[NDArray[Any]]], batches: Iterable[Batch], judge: Judge
) -> Evaluation:
    """Evaluates whatever gives outputs: a model of either Keras, or a converted one.

    Args:
        run: images (b, h, w, c), normalised → real-valued outputs (b, …), in the model's order.
        batches: (images, truth, weights).
        judge: from `Task.judge`; what it has added already counts too.
    """
    for images, truth, weights in batches:
        outputs = run(np.asarray(images))
        judge.add(outputs, [np.asarray(part) for part in truth], np.asarray(weights))
    return judge.result()

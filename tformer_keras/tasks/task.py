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

from tformer_edge.output_json import Output
from tformer_keras.tasks.certainty import MeasuredCertainty
from tformer_keras.tasks.sheet import Evaluated

# A batch: images (b, h, w, c); the task's truth, arrays (b, …) of static shapes; weights (b,), 0 for padding.
Batch = tuple[NDArray[np.float32], tuple[NDArray[Any], ...], NDArray[np.float32]]
# Images (b, h, w, c), normalised → real-valued outputs (b, …), in the model's order.
Run = Callable[[NDArray[np.float32]], Sequence[NDArray[Any]]]


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure with its name for people and its unit: ("top-1", 0.9142, "%") is shown as "top-1 91.42 %"."""

    name: str
    value: float
    unit: str = ""

    @property
    def shown(self) -> str:
        """The value with its unit: shares as per cent."""
        return f"{100 * self.value:.2f} %" if self.unit == "%" else f"{self.value:.4f} {self.unit}".rstrip()

    def __str__(self) -> str:
        return f"{self.name} {self.shown}"


class Evaluation(Protocol):
    """What an evaluation found, and how it is shown. Whoever holds one need not know of which task it is."""

    @property
    def images(self) -> int:
        """Images that were evaluated."""

    @property
    def headline(self) -> Figure:
        """The figure by which this task's models are compared; one of `figures`."""

    @property
    def figures(self) -> Mapping[str, Figure]:
        """All figures by machine name; histories put `val_` before it."""

    @property
    def certainty(self) -> MeasuredCertainty | None:
        """What the answers are worth, where the judge was to measure it and could."""

    def to_json(self) -> dict[str, Any]:
        """Plain data with everything."""

    def table(self) -> str:
        """Text for people, several lines."""

    def pictures(self, images: Evaluated | None = None) -> dict[str, bytes]:
        """File name → PNG; with the images that were evaluated also those that show them."""


class Judge(Protocol):
    """Adds up what models answer, batch by batch, in NumPy."""

    def add(
        self, outputs: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], weights: NDArray[Any]
    ) -> None:
        """A batch: real-valued outputs (b, …) in the model's order, the loader's truth, weights (b,)."""

    def state(self) -> dict[str, NDArray[Any]]:
        """All that was added up, in arrays that differ between processes at most in their first axis."""

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Adds what the judge of another process has added up."""

    def result(self) -> Evaluation:
        """The evaluation of everything added so far."""


class Task(Protocol):
    """The server half of a task.

    Attributes:
        name: the contract's `task`, the key in `TASKS` of both halves.
        mixes: whether MixUp and CutMix can mix its truth: one array of shares (b, classes).
        measures: what `measure` gives: its name for people and its unit, as in `Figure`, by its name in histories.
    """

    @property
    def name(self) -> str: ...

    @property
    def mixes(self) -> bool: ...

    @property
    def measures(self) -> Mapping[str, tuple[str, str]]: ...

    def of(self, model: Any, split: Any = None, recipe: Any = None) -> Task:
        """This task with what a Keras 3 model's outputs fix: levels, anchors, sizes; for training, with what the
        training split and the recipe fix too. The loss, `encode` and `judge` are its own only then."""

    def of_outputs(self, outputs: Sequence[Output], size: tuple[int, int]) -> Task:
        """The same of a model file, whose contract says what its outputs are, for inputs of (height, width)."""

    def judging(self, split: Any) -> Task:
        """The bound task whose truth is what its judge needs of a split's images, not what its loss needs."""

    def truth_shapes(self, size: tuple[int, int], classes: int) -> tuple[tuple[tuple[int, ...], str], ...]:
        """(shape without the batch axis, dtype) of each array of a batch's truth, for inputs of `size` pixels."""

    def encode(
        self, annotations: Sequence[Any], placements: Sequence[Any], size: tuple[int, int], classes: int
    ) -> tuple[NDArray[Any], ...]:
        """The truth of a batch: what each image is annotated with, moved as its pixels were.

        Args:
            annotations: `ImageSplit.annotation` of each image.
            placements: where each image's pixels went, `tformer_keras.data.placement.Placement`.
            size: (height, width) of the input in pixels.
            classes: of the dataset.
        """

    def check(self, model: Any, classes: int) -> None:
        """Raises UserError where a Keras 3 model has other outputs than this task, with so many classes, needs."""

    def head_layers(self, model: Any) -> list[Any]:
        """The layers that belong to the classes: fresh in transfer learning, trained alone at first."""

    def meaning(self, model: Any) -> str:
        """What a Keras 3 model's outputs are, as the contract's `output_meaning` says it."""

    def loss(self, truth: Sequence[Any], outputs: Sequence[Any], weights: Any, recipe: Any) -> Any:
        """A batch's mean loss, by keras.ops alone: for both Kerases."""

    def distill(
        self, teacher: Sequence[Any], teacher_means: str, outputs: Sequence[Any], recipe: Any, kind: str
    ) -> Any:
        """A batch's mean loss against a teacher's outputs ("soft" or "hard"), by keras.ops alone."""

    def measure(self, truth: Sequence[Any], outputs: Sequence[Any]) -> dict[str, Any]:
        """What to show while training: a value an image for each of `measures`, (b,), by keras.ops alone."""

    def judge(
        self, class_names: Sequence[str], meaning: str, step: float = 0.0, certainty: bool = False
    ) -> Judge:
        """A new judge of outputs that mean `meaning`; `step` is theirs where they are quantized, else 0.

        With `certainty` it also measures what the answers are worth, where this task's have a probability.
        """


def evaluate(run: Run, batches: Iterable[Any], judge: Judge) -> Evaluation:
    """Evaluates whatever gives outputs: a model of either Keras, or a converted one.

    Args:
        run: computes the outputs.
        batches: a loader's, as arrays or tensors.
        judge: from `Task.judge`; what it has added already counts too.
    """
    for images, truth, weights in batches:
        outputs = run(np.asarray(images))
        judge.add(outputs, [np.asarray(part) for part in truth], np.asarray(weights))
    return judge.result()

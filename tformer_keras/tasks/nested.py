"""Several capacities of one network as one task: the smaller ones learn from the largest, each is judged by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops
from numpy.typing import NDArray

from tformer_keras.tasks.sheet import Evaluated
from tformer_keras.tasks.task import Evaluation, Figure, Judge, Task


@dataclass(frozen=True)
class NestedEvaluation:
    """The evaluations of all capacities, the largest first; what it says of itself is the largest one's.

    Attributes:
        capacities: evaluation by name.
    """

    capacities: Mapping[str, Evaluation]

    @property
    def largest(self) -> Evaluation:
        """Of the largest capacity."""
        return next(iter(self.capacities.values()))

    @property
    def images(self) -> int:
        """Images that were evaluated."""
        return self.largest.images

    @property
    def headline(self) -> Figure:
        """The largest one's."""
        return self.largest.headline

    @property
    def figures(self) -> dict[str, Figure]:
        """The largest one's, and of each smaller one the headline, under its own name and the capacity's."""
        figures = dict(self.largest.figures)
        key = next(name for name, figure in figures.items() if figure == self.headline)
        for name, evaluation in list(self.capacities.items())[1:]:
            headline = evaluation.headline
            figures[f"{key}_{name}"] = Figure(f"{name} {headline.name}", headline.value, headline.unit)
        return figures

    @property
    def certainty(self) -> None:
        """Nothing: each capacity's own evaluation has it."""

    def to_json(self) -> dict[str, Any]:
        """The largest one's data, and under "capacities" each one's."""
        every = {name: evaluation.to_json() for name, evaluation in self.capacities.items()}
        return {**self.largest.to_json(), "capacities": every}

    def table(self) -> str:
        """The largest one's, and a line for each capacity."""
        lines = [f"{name}: {evaluation.headline}" for name, evaluation in self.capacities.items()]
        return "\n".join([self.largest.table(), *lines])

    def pictures(self, images: Evaluated | None = None) -> dict[str, bytes]:
        """The largest one's."""
        return self.largest.pictures(images)


class NestedJudge:
    """Gives each capacity's outputs to a judge of its own; see `tasks.task.Judge`."""

    def __init__(self, judges: Mapping[str, Judge]) -> None:
        self.judges = judges

    def add(
        self, outputs: Sequence[NDArray[Any]], truth: Sequence[NDArray[Any]], weights: NDArray[Any]
    ) -> None:
        """All capacities' outputs, one after the other."""
        parts = _parted(outputs, len(self.judges))
        for judge, part in zip(self.judges.values(), parts, strict=True):
            judge.add(part, truth, weights)

    def state(self) -> dict[str, NDArray[Any]]:
        """All judges', with the capacity's name before theirs."""
        return {
            f"{name}/{key}": array
            for name, judge in self.judges.items()
            for key, array in judge.state().items()
        }

    def merge(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Adds what the judges of another process have added up."""
        for name, judge in self.judges.items():
            own = {key.partition("/")[2]: array for key, array in state.items() if key.startswith(f"{name}/")}
            judge.merge(own)

    def result(self) -> NestedEvaluation:
        """Of everything added so far."""
        return NestedEvaluation({name: judge.result() for name, judge in self.judges.items()})


class NestedTask:
    """A bound task for networks that give the outputs of several capacities; what it does not say is the task's own.

    The loss is the capacities' mean: the largest one's is the task's, the others' (1 - w)·task + w·largest, w being
    `recipe.distillation_weight`: distillation within one step, as in Universally Slimmable Networks (arXiv:1903.05134).

    Args:
        task: of each capacity.
        names: of the capacities, the largest first, in the order of the network's outputs.
    """

    def __init__(self, task: Task, names: Sequence[str]) -> None:
        self.task, self.names = task, tuple(names)

    def __getattr__(self, name: str) -> Any:
        if name == "task":  # while a copy is being made
            raise AttributeError(name)
        return getattr(self.task, name)

    def head_layers(self, model: keras.Model) -> list[keras.layers.Layer]:
        """Every capacity's last layer with weights: it gives the output, or stands before the layer that does."""
        found = []
        for output in model.outputs:
            layer = output._keras_history.operation
            while not layer.weights:
                layer = layer.input._keras_history.operation
            found.append(layer)
        return found

    def loss(self, truth: Sequence[Any], outputs: Sequence[Any], weights: Any, recipe: Any) -> Any:
        """A batch's mean loss."""
        largest, *smaller = _parted(outputs, len(self.names))
        share = recipe.distillation_weight
        teacher = [ops.stop_gradient(part) for part in largest]
        loss = self.task.loss(truth, largest, weights, recipe)
        for part in smaller:
            loss = loss + (1.0 - share) * self.task.loss(truth, part, weights, recipe)
            loss = loss + share * self.task.distill(teacher, "logits", part, recipe, "soft")
        return loss / len(self.names)

    def distill(
        self, teacher: Sequence[Any], teacher_means: str, outputs: Sequence[Any], recipe: Any, kind: str
    ) -> Any:
        """The capacities' mean against the outputs of a teacher of one."""
        parts = _parted(outputs, len(self.names))
        losses = [self.task.distill(teacher, teacher_means, part, recipe, kind) for part in parts]
        return sum(losses[1:], losses[0]) / len(losses)

    def measure(self, truth: Sequence[Any], outputs: Sequence[Any]) -> dict[str, Any]:
        """What the task measures, of the largest."""
        return self.task.measure(truth, _parted(outputs, len(self.names))[0])

    def judge(
        self, class_names: Sequence[str], meaning: str, step: float = 0.0, certainty: bool = False
    ) -> NestedJudge:
        """A judge for each capacity."""
        return NestedJudge({name: self.task.judge(class_names, meaning, step) for name in self.names})


def _parted(outputs: Sequence[Any], count: int) -> list[list[Any]]:
    """`outputs` in `count` parts of as many each."""
    size = len(outputs) // count
    return [list(outputs[start : start + size]) for start in range(0, len(outputs), size)]

"""Which capacity of a release answers: by its name, or the best one whose inferences, measured here, take no longer."""

from dataclasses import dataclass
from typing import Any

from tformer_edge.errors import UserError
from tformer_edge.latency import measure
from tformer_edge.model import Model
from tformer_edge.update.bundle import BEST, Bundle

RUNS, WARM_UP = 15, 3


@dataclass(frozen=True)
class Wanted:
    """What a program asks for; at most one of them.

    Attributes:
        capacity: a name, "best" or "fastest"; None: the best.
        budget_ms: the most milliseconds of an inference, above 0, by their median on this machine; pictures are not
            read or resized in them.
    """

    capacity: str | None = None
    budget_ms: float | None = None

    def __post_init__(self) -> None:
        if self.capacity is not None and self.budget_ms is not None:
            raise UserError("capacity or budget_ms", "both", "leave one out")
        if self.budget_ms is not None and not self.budget_ms > 0:
            raise UserError("milliseconds above 0", str(self.budget_ms), "give more", where="budget_ms")


def median_ms(model: Model) -> float:
    """Milliseconds of an inference, the median of a few after a few more. Raises UserError where the model fails."""
    return measure(model, RUNS, WARM_UP).p50


def open_capacity(bundle: Bundle, wanted: Wanted, options: dict[str, Any]) -> tuple[str, Model]:
    """(name, model) of what is wanted; `options` as of Model.

    Raises UserError for a name that the release has not, or where its fastest capacity is beyond the budget.
    """
    if wanted.budget_ms is None:
        name = wanted.capacity or BEST
        return bundle.capacity(name).name, Model(bundle.file(name), **options)
    took = 0.0
    for capacity in bundle.capacities:
        model = Model(bundle.file(capacity.name or BEST), **options)
        try:
            took = median_ms(model)
        except BaseException:
            model.close()
            raise
        if took <= wanted.budget_ms:
            return capacity.name, model
        model.close()
    raise UserError(
        f"a capacity within {wanted.budget_ms:g} ms",
        f"{took:.3g} ms of {bundle.capacities[-1].name or 'the only one'}",
        "give more, or take the fastest",
        where="budget_ms",
    )

"""From which probability on a classifier's answer is one: `certainty` of `model.json` (docs/contract.md)."""

from dataclasses import asdict, dataclass
from typing import Any

from tformer_edge.json_fields import get, is_number, wrong

LEAST_TEMPERATURE, GREATEST_TEMPERATURE = 0.01, 100.0


@dataclass(frozen=True)
class Certainty:
    """What a classifier's scores are worth; measured on images that it was not trained with.

    Attributes:
        temperature: 0.01 to 100; logits are divided by it before the softmax, so that what is said with 80 % is right
            80 times of 100 (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017). 1 of probabilities.
        not_sure_below: 0 to 1; an answer of a smaller probability is none.

    Raises Refusal (a UserError) for a value out of range.
    """

    temperature: float = 1.0
    not_sure_below: float = 0.0

    def __post_init__(self) -> None:
        if (
            not is_number(self.temperature)
            or not LEAST_TEMPERATURE <= self.temperature <= GREATEST_TEMPERATURE
        ):
            raise wrong(
                "certainty.temperature",
                f"a number from {LEAST_TEMPERATURE:g} to {GREATEST_TEMPERATURE:g}",
                self.temperature,
            )
        if not is_number(self.not_sure_below) or not 0 <= self.not_sure_below <= 1:
            raise wrong("certainty.not_sure_below", "a number from 0 to 1", self.not_sure_below)
        object.__setattr__(self, "temperature", float(self.temperature))
        object.__setattr__(self, "not_sure_below", float(self.not_sure_below))

    def check(self, task: str, meaning: str) -> None:
        """Raises Refusal unless a model for `task` whose scores are `meaning` can have it."""
        if task != "classification":
            raise wrong("certainty", "of a classifier, and of nothing else", task)
        if meaning == "probabilities" and self.temperature != 1:
            raise wrong("certainty.temperature", "1 of probabilities", self.temperature)

    def to_json(self) -> dict[str, Any]:
        """What stands in `model.json`."""
        return asdict(self)


def parse_certainty(document: dict[str, Any]) -> Certainty | None:
    """`certainty` of a `model.json`, or of what else keeps one; None where it is missing. Raises Refusal as above."""
    if "certainty" not in document:
        return None
    given = get(document, "certainty", dict)
    number: Any = (int, float)
    return Certainty(
        get(given, "temperature", number, "certainty."), get(given, "not_sure_below", number, "certainty.")
    )

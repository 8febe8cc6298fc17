"""What is known of a model's outputs where there is no contract yet: see `task.Meaning`."""

from dataclasses import dataclass

from tformer_edge.certainty import Certainty
from tformer_edge.output_json import Colour, DetectionRule, Output


@dataclass(frozen=True)
class OutputsMean:
    """Attributes: as in `model_json.Contract`, whose `output_meaning` is `meaning`; `labels`: one text a class."""

    labels: tuple[str, ...]
    meaning: str
    outputs: tuple[Output, ...] = ()
    detection: DetectionRule | None = None
    colours: tuple[Colour, ...] = ()
    certainty: Certainty | None = None

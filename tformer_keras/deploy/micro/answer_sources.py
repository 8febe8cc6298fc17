"""What a task's firmware has of its own: which sources, what fills them, and what their decoder takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.errors import UserError
from tformer_edge.runner import TensorInfo

ADVICE = "convert the model again with converters/to_tflite.py"


@dataclass(frozen=True)
class AnswerSources:
    """As it stands: those of a classifier, which needs no decoder.

    Attributes:
        values: of the placeholders in the task's templates.
        sources: what is compiled beside the sources of all tasks.
        table_bytes: flash, of the decoder's constants.
        memory_bytes: RAM that the decoder writes to, at most.
        memory: what that is, for people.
        text: of the decoder, for the README.
        golden_length: how many values an output of a golden vector has, in C++.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    table_bytes: int = 0
    memory_bytes: int = 0
    memory: str = ""
    text: str = ""
    golden_length: str = "kLabelCount"

    @property
    def readme_row(self) -> str:
        """What the README's table says of the decoder."""
        return f"\n| RAM: decoder | {self.memory_bytes:,}: {self.memory} |" if self.memory else ""

    @property
    def readme_text(self) -> str:
        """What the README says that there is."""
        return f" {self.text}," if self.text else ""


def all_values(info: TensorInfo) -> NDArray[Any]:
    """The 256 values of an int8 or uint8 tensor, the least first."""
    limits = np.iinfo(info.type)
    return np.arange(limits.min, limits.max + 1).astype(info.type)


def map_values(infos: Sequence[TensorInfo]) -> dict[str, Any]:
    """The placeholders of all models whose outputs are maps."""
    sizes = [math.prod(info.shape) for info in infos]
    return {
        "output_count": len(infos),
        "output_sizes": ", ".join(map(str, sizes)),
        "output_values": sum(sizes),
    }


def check_quantization(infos: Sequence[TensorInfo]) -> None:
    """Raises UserError for maps whose numbers mean nothing: a scale that is none, a zero point beyond their type."""
    for info in infos:
        limits = np.iinfo(info.type)
        if not (info.scale > 0 and math.isfinite(info.scale) and limits.min <= info.zero_point <= limits.max):
            raise UserError(
                f"outputs with a scale over 0 and a zero point of {limits.min} to {limits.max}",
                f"{info.scale:g} and {info.zero_point}",
                ADVICE,
            )

"""What updates were tried, what each costs and wins: as text, as JSON, as a picture."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tformer_keras.tasks.task import Figure


@dataclass(frozen=True)
class Tried:
    """An update that was trained.

    Attributes:
        name: "head", "all", or the share of all weights that may move.
        may_move: weights that the training could move.
        moved: int8 and int32 numbers in the file that differ from the deployed one's.
        bytes: of the delta of whole files.
        figure: the task's headline on the test images, as fake quantization computes it.
    """

    name: str
    may_move: int
    moved: int
    bytes: int
    figure: Figure


@dataclass(frozen=True)
class UpdateTable:
    """Args: before: the deployed model's figure; file_bytes: of its file; most: the budget in bytes; all in `tried`."""

    before: Figure
    file_bytes: int
    most: int
    tried: Sequence[Tried]

    def best(self) -> Tried | None:
        """The best that fits the budget, the smaller one of two as good; None where none fits."""
        fitting = [one for one in self.tried if one.bytes <= self.most]
        return max(fitting, key=lambda one: (one.figure.value, -one.bytes), default=None)

    def gain(self, one: Tried) -> float | None:
        """Its share of what the training of all weights wins; None where that wins nothing."""
        whole = max(other.figure.value for other in self.tried if other.name == "all") - self.before.value
        return (one.figure.value - self.before.value) / whole if whole > 0 else None

    def text(self) -> str:
        """A line for each, the smallest first."""
        chosen = self.best()
        heads = ("update", "may move", "moved", self.before.name, "of the gain", "bytes", "of the file")
        rows = [heads, ("deployed", "", "", self.before.shown, "", f"{self.file_bytes:,}", "")]
        for one in sorted(self.tried, key=lambda one: one.bytes):
            gain = self.gain(one)
            rows.append(
                (
                    one.name,
                    f"{one.may_move:,}",
                    f"{one.moved:,}",
                    one.figure.shown,
                    "" if gain is None else f"{100 * gain:.0f} %",
                    f"{one.bytes:,}",
                    f"{100 * one.bytes / self.file_bytes:.2f} %"
                    + (" chosen" if one == chosen else " over the budget" if one.bytes > self.most else ""),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(len(heads) - 1)]
        return "\n".join(
            "  ".join(
                [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:-1], widths[1:], strict=True)]
            )
            + f"  {row[-1]}".rstrip()
            for row in rows
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        chosen = self.best()
        return {
            "deployed": {"value": self.before.value, "bytes": self.file_bytes},
            "figure": self.before.name,
            "budget_bytes": self.most,
            "updates": [
                {
                    "name": one.name,
                    "may_move": one.may_move,
                    "moved": one.moved,
                    "value": one.figure.value,
                    "gain": self.gain(one),
                    "bytes": one.bytes,
                    "share_of_file": one.bytes / self.file_bytes,
                    "fits": one.bytes <= self.most,
                }
                for one in sorted(self.tried, key=lambda one: one.bytes)
            ],
            "chosen": None if chosen is None else chosen.name,
        }

    def draw(self) -> bytes:
        """PNG: the headline over the bytes, the deployed model and the budget as lines."""
        from matplotlib.figure import Figure as Canvas

        percent = 100 if self.before.unit == "%" else 1
        tried = sorted(self.tried, key=lambda one: one.bytes)
        canvas = Canvas(figsize=(6, 4), layout="constrained")
        axes = canvas.subplots()
        axes.plot([one.bytes for one in tried], [percent * one.figure.value for one in tried], marker="o")
        for one in tried:
            axes.annotate(
                one.name, (one.bytes, percent * one.figure.value), (4, -12), textcoords="offset points"
            )
        axes.axhline(percent * self.before.value, color="grey", linestyle="--", label="deployed")
        axes.axvline(self.most, color="tab:red", linestyle=":", label="budget")
        unit = f" [{self.before.unit}]" if self.before.unit else ""
        axes.set(
            xscale="log",
            xlabel=f"bytes of the update (file: {self.file_bytes:,})",
            ylabel=self.before.name + unit,
        )
        axes.grid(alpha=0.3)
        axes.legend()
        buffer = io.BytesIO()
        canvas.savefig(buffer, format="png", dpi=120)
        return buffer.getvalue()

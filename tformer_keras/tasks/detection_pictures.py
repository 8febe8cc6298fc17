"""Precision over recall of a detector."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tformer_keras.tasks.plot_text import plot_text

# Classes that have a line of their own; of more, the mean alone is drawn.
MOST_LINES = 12


def draw_precision(
    precision: NDArray[np.float64], ap50: NDArray[np.float64], class_names: Sequence[str]
) -> bytes:
    """A PNG: a line a class, and their mean.

    Args:
        precision: (101, classes) at recalls of 0 to 1, NaN of a class without things.
        ap50: (classes,), for the legend.
        class_names: in order.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    recalls = np.linspace(0, 1, len(precision))
    present = np.flatnonzero(~np.isnan(ap50))
    if len(present) <= MOST_LINES:
        for index in present.tolist():
            label = f"{plot_text(class_names[index])} {100 * ap50[index]:.1f}"
            axes.plot(recalls, precision[:, index], linewidth=1.2, label=label)
    if len(present):
        mean = precision[:, present].mean(axis=1)
        axes.plot(recalls, mean, "k", linewidth=2.2, label=f"mean {100 * ap50[present].mean():.1f}")
        axes.legend(title="AP50", fontsize="small")
    axes.set(xlabel="recall", ylabel="precision at an overlap of 0.5", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120, metadata={"Software": None})
    return stream.getvalue()

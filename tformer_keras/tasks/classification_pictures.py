"""Pictures of a classifier's evaluation."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tformer_keras.tasks.plot_text import plot_text

# With more classes their names and numbers cannot be read.
NAMED_CLASSES = 25


def draw_confusion(counts: NDArray[np.int64], class_names: Sequence[str], title: str) -> bytes:
    """PNG of a confusion matrix as shares of each true class; numbers and names where they fit.

    Args:
        counts: (classes, classes), row true, column predicted.
        class_names: in the order of the rows.
        title: above the picture.
    """
    from matplotlib.figure import Figure

    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    classes = len(class_names)
    side = min(12.0, 3.0 + 0.45 * classes)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class")
    axes.set(xlabel="predicted", ylabel="true", title=title)
    if classes <= NAMED_CLASSES:
        names = [plot_text(name) for name in class_names]
        axes.set_xticks(range(classes), names, rotation=45, ha="right")
        axes.set_yticks(range(classes), names)
        for row in range(classes):
            for column in range(classes):
                if counts[row, column]:
                    colour = "white" if shares[row, column] > 0.5 else "black"
                    axes.text(
                        column, row, str(counts[row, column]), ha="center", va="center", color=colour, size=7
                    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()

"""A sheet of evaluated images, the worst first: what is there beside what was answered."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tformer_edge.palette import colour
from tformer_keras.tasks.plot_text import plot_text

# Images on a sheet, pairs in a row.
SHOWN, PAIRS = 8, 2
# Of one picture, in inches; the longest name of an image that fits above it; classes in the legend.
WIDTH, LONGEST_NAME, MOST_CLASSES = 3.2, 34, 20


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The images of an evaluation, numbered as its judge got them.

    Attributes:
        split: that they are of, a `tformer_keras.data.dataset.ImageSplit`.
        order: int64 (images,): the split's index of each.
    """

    split: Any
    order: NDArray[np.int64]

    def name(self, number: int) -> str:
        """Of an image, its end where it is long."""
        name = str(self.split.names[self.order[number]])
        return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]

    def pixels(self, number: int) -> NDArray[np.uint8]:
        """uint8 (height, width, 3). Raises UserError naming a file that cannot be decoded any more."""
        return np.asarray(self.split.pixels(int(self.order[number])))

    def annotation(self, number: int) -> Any:
        """What is known of an image."""
        return self.split.annotation(int(self.order[number]))


@dataclass(frozen=True, eq=False)
class ShownBox:
    """A box to draw: left, top, right, bottom in the picture's pixels, its class, and how its line looks."""

    sides: Sequence[float]
    label: int
    line: Literal["solid", "dashed", "dotted"]


@dataclass(frozen=True, eq=False)
class Side:
    """One picture of a pair.

    Attributes:
        caption: above it.
        pixels: uint8 (height, width, 3).
        boxes: drawn over it.
        labels: of the classes that the pixels show.
    """

    caption: str
    pixels: NDArray[np.uint8]
    boxes: Sequence[ShownBox] = ()
    labels: Sequence[int] = ()


def draw_sheet(title: str, pairs: Sequence[tuple[Side, Side]], class_names: Sequence[str]) -> bytes:
    """PNG of pairs, two in a row, each class in its colour (`tformer_edge.palette`), with a legend.

    Args:
        title: above all.
        pairs: truth and answer of one image or more.
        class_names: in the order of the labels.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch, Rectangle

    sides = [side for pair in pairs for side in pair]
    columns = 2 * min(PAIRS, len(pairs))
    rows = -(-len(sides) // columns)
    shape = float(np.median([side.pixels.shape[0] / side.pixels.shape[1] for side in sides]))
    height = WIDTH * min(max(shape, 0.3), 3.0) + 0.3
    figure = Figure(figsize=(columns * WIDTH, rows * height + 1.0), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    seen: Counter[int] = Counter()
    for axes, side in zip(grid, sides, strict=False):
        axes.imshow(side.pixels)
        axes.set_title(plot_text(side.caption), fontsize=8)
        for box in side.boxes:
            left, top, right, bottom = box.sides
            # Pixels lie around whole numbers in matplotlib's pictures.
            corner, size = (left - 0.5, top - 0.5), (right - left, bottom - top)
            outline = Rectangle(
                *(corner, *size), fill=False, edgecolor=_shade(box.label), linestyle=box.line, linewidth=1.6
            )
            axes.add_patch(outline)
        seen.update({*side.labels, *(box.label for box in side.boxes)})
    if seen:
        labels = sorted(label for label, _ in seen.most_common(MOST_CLASSES))
        handles = [Patch(color=_shade(label), label=plot_text(class_names[label])) for label in labels]
        more = f"and {len(seen) - len(labels)} classes more" if len(seen) > len(labels) else None
        figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, title=more)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    return stream.getvalue()


def _shade(label: int) -> tuple[float, float, float]:
    red, green, blue = colour(label)
    return red / 255, green / 255, blue / 255

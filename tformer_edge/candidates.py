"""Which anchors and classes of one level's map may be detections: found on the file's own numbers, then decoded."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tformer_edge.anchors import AnchorLevel
from tformer_edge.box_coding import decode
from tformer_edge.runner import TensorInfo

# The first part of a map in which `_first` looks, and how much more at each further look.
LOOK, MORE = 1 << 16, 4


@dataclass(frozen=True, eq=False)
class Level:
    """The two maps of one level for one image, int8 or floating-point.

    Attributes:
        anchors: A of them at each cell.
        logits: (height, width, A * classes): the classes of the first anchor, then those of the next.
        deltas: (height, width, A * 4): dx, dy, dw, dh of the first anchor, then those of the next.
        logits_info, deltas_info: scale and zero point of each; of floating-point maps they say nothing.

    Raises ValueError for shapes that do not fit, and other types.
    """

    anchors: AnchorLevel
    logits: NDArray[Any]
    deltas: NDArray[Any]
    logits_info: TensorInfo
    deltas_info: TensorInfo

    def __post_init__(self) -> None:
        for array in (self.logits, self.deltas):
            if array.dtype != np.int8 and not np.issubdtype(array.dtype, np.floating):
                raise ValueError(f"Expected maps of int8 or of floats, received {array.dtype}.")
        count, shape = len(self.anchors.shapes), self.logits.shape
        if len(shape) != 3 or shape[2] < count or shape[2] % count:
            raise ValueError(f"Expected logits (height, width, {count} * classes), received {shape}.")
        if self.deltas.shape != (*shape[:2], count * 4):
            raise ValueError(f"Expected deltas {(*shape[:2], count * 4)}, received {self.deltas.shape}.")

    @property
    def classes(self) -> int:
        """Classes of an anchor."""
        return int(self.logits.shape[2]) // len(self.anchors.shapes)


@dataclass(frozen=True, eq=False)
class Candidates:
    """Anchors with a class, by index: by row, column, anchor, class.

    Attributes:
        logits: (n,) float64, ``(q - zero_point) * scale``.
        labels: (n,) int64, the class.
        boxes: (n, 4) float64, left, top, right, bottom in pixels of the input, unclipped.
    """

    logits: NDArray[np.float64]
    labels: NDArray[np.int64]
    boxes: NDArray[np.float64]


def find_candidates(level: Level, threshold: float, limit: int) -> Candidates:
    """All whose real logit exceeds `threshold`; of more than `limit` the highest, equal ones by lower index.

    Raises:
        ValueError: logits that are NaN; deltas of a candidate that are not finite.
        UserError: int8 maps without a scale.
    """
    flat = level.logits.reshape(-1)
    if flat.dtype != np.int8 and flat.size and np.isnan(flat.max()):
        raise ValueError("Expected logits that are numbers, received NaN.")
    chosen = _highest(flat, _least(threshold, flat.dtype, level.logits_info), limit)
    places, labels = np.divmod(chosen, level.classes)
    cells, numbers = np.divmod(places, len(level.anchors.shapes))
    rows, columns = np.divmod(cells, level.logits.shape[1])
    boxes = decode(
        level.deltas.reshape(-1, 4)[places], level.deltas_info, level.anchors.at(rows, columns, numbers)
    )
    return Candidates(level.logits_info.dequantize(flat[chosen]), labels, boxes)


def _least(threshold: float, dtype: np.dtype[Any], info: TensorInfo) -> Any:
    """The least value of a type whose real number exceeds `threshold`; None where none does."""
    if dtype == np.int8:
        values = np.arange(-128, 128).astype(np.int8)
        over = np.flatnonzero(info.dequantize(values) > threshold)
        return values[over[0]] if over.size else None
    nearest = dtype.type(threshold)
    return nearest if float(nearest) > threshold else np.nextafter(nearest, dtype.type(math.inf))


def _highest(flat: NDArray[Any], least: Any, limit: int) -> NDArray[np.int64]:
    """Indices, ascending, of the values of at least `least`: all, or the `limit` highest, equal ones by lower index."""
    if least is None:
        return np.zeros(0, np.int64)
    over = flat >= least
    count = np.count_nonzero(over)
    if count <= limit:
        return np.flatnonzero(over)
    cut = _cut(flat[over], limit)
    above = np.flatnonzero(flat > cut)
    return np.sort(np.concatenate([above, _first(flat == cut, limit - above.size)]))


def _cut(values: NDArray[Any], limit: int) -> Any:
    """The value that is number `limit` from the highest, among more than that many, in linear time."""
    if values.dtype != np.int8:
        return np.partition(values, values.size - limit)[values.size - limit]
    # np.partition takes ten times as long where so many values are equal [measured].
    low, high = -128, 127
    while low < high:
        middle = (low + high + 1) >> 1
        if np.count_nonzero(values >= np.int8(middle)) >= limit:
            low = middle
        else:
            high = middle - 1
    return np.int8(low)


def _first(mask: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """Indices of the first `count` that are true, without those of millions behind them."""
    stop = LOOK
    while True:
        found = np.flatnonzero(mask[:stop])
        if found.size >= count or stop >= mask.size:
            return found[:count]
        stop *= MORE

"""What the values or colours of masks mean: a table in the data set's folder."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tformer_edge.errors import UserError, first_line
from tformer_edge.labels import check_labels
from tformer_keras.tasks.annotations import UNLABELLED

TABLES = ("classes.csv", "class_dict.csv", "classes.txt", "labels.txt")
# ADE20K's own, of 150 classes from 1 on; 0 is what was not labelled.
ADE20K = "objectInfo150.txt"
# Names of what is no class: their pixels teach nothing.
NOTHING = ("unlabelled", "unlabeled", "void", "ignore", "ignored", "_background_ignored")


@dataclass(frozen=True)
class ColourTable:
    """The classes of masks.

    Attributes:
        names: of the classes, in order.
        colours: {(red, green, blue): class or -1}; None where masks hold indices.
        values: {index in the mask: class or -1}; of those that are missing here, an index is its class.
    """

    names: tuple[str, ...]
    colours: dict[tuple[int, int, int], int] | None = None
    values: dict[int, int] | None = None

    def classes_of(self, image: Image.Image, path: Path) -> NDArray[np.int32]:
        """int32 (h, w) of a decoded mask. Raises UserError, naming `path`, for a value or colour without a class."""
        if self.colours is not None:
            return self._by_colour(np.asarray(image.convert("RGB"), np.int32), path)
        if image.mode not in ("L", "P", "1", "I;16", "I"):
            raise UserError(
                "a mask of indices or with a palette",
                f"one of mode {image.mode}",
                f"add colours to {TABLES[0]}: name, red, green, blue a line",
                where=str(path),
            )
        values = np.asarray(image)
        table = np.full(max(256, int(values.max()) + 1), -2, np.int32)
        table[: len(self.names)] = np.arange(len(self.names))
        if len(table) > 255 and len(self.names) <= 255:
            table[255] = UNLABELLED
        for value, number in (self.values or {}).items():
            if value < len(table):
                table[value] = number
        found = table.take(values)
        if found.min() == -2:
            raise self._unknown(path, f"the value {int(values[found == -2][0])}")
        return found

    def _by_colour(self, pixels: NDArray[np.int32], path: Path) -> NDArray[np.int32]:
        keys = (pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]
        known, places = np.unique(keys, return_inverse=True)
        numbers = []
        for key in known.tolist():
            colour = (key >> 16, (key >> 8) & 255, key & 255)
            assert self.colours is not None
            if colour not in self.colours:
                raise self._unknown(path, f"the colour {colour}")
            numbers.append(self.colours[colour])
        return np.array(numbers, np.int32)[places].reshape(keys.shape)

    def _unknown(self, path: Path, what: str) -> UserError:
        return UserError(
            f"a class for each pixel ({len(self.names)} classes; 255 is unlabelled)",
            f"{what}, which has none",
            f"add it to {TABLES[0]} in the data set's folder, as a class or as unlabelled",
            where=str(path),
        )


def find_table(root: Path) -> ColourTable | None:
    """The table of `root`, the first of `TABLES`; None where there is none.

    A line is a class: its name; `name, value` of index masks; or `name, red, green, blue`. A first line of column names
    is passed over. Names like "unlabelled" or "void" are no classes: their pixels are ignored. A table of names alone
    counts from 0. ADE20K's `objectInfo150.txt` is read as it comes: its numbers count from 1, and 0 is unlabelled.

    Raises UserError for a table that cannot be read.
    """
    path = next((root / name for name in (*TABLES, ADE20K) if (root / name).is_file()), None)
    if path is None:
        return None
    try:
        text = path.read_text("utf-8-sig")
        ade20k = path.name == ADE20K
        cells = csv.reader(io.StringIO(text), delimiter="\t" if ade20k else ",")
        rows = [[cell.strip() for cell in row] for row in cells if any(row)]
        if ade20k:
            rows = _of_ade20k(rows[1:])
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(
            "a table of classes", first_line(error), "write it as UTF-8", where=str(path)
        ) from None
    if rows and len(rows[0]) > 1 and not any(cell.isdigit() for cell in rows[0]):
        rows = rows[1:]  # column names
    widths = {len(row) for row in rows}
    if not rows or len(widths) != 1 or not widths <= {1, 2, 4}:
        raise _bad(path, f"lines of {sorted(widths)} columns")
    names: list[str] = []
    found: list[tuple[tuple[int, ...], int]] = []
    for place, row in enumerate(rows):
        numbers = tuple(int(cell) if cell.isdigit() else -1 for cell in row[1:]) or (place,)
        if min(numbers) < 0 or (len(numbers) == 3 and max(numbers) > 255):
            raise _bad(path, ", ".join(row))
        nothing = row[0].lower() in NOTHING
        found.append((numbers, UNLABELLED if nothing else len(names)))
        if not nothing:
            names.append(row[0])
    check_labels(names)
    if len(names) < 2:
        raise UserError("at least two classes", str(len(names)), "add one", where=str(path))
    if widths == {4}:
        return ColourTable(tuple(names), colours={(n[0], n[1], n[2]): label for n, label in found})
    return ColourTable(tuple(names), values={numbers[0]: label for numbers, label in found})


def _of_ade20k(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Rows of Idx, Ratio, Train, Val, Stuff, Name as rows of a name and a value: of several names the first."""
    result = [["unlabelled", "0"]]
    for row in rows:
        first = row[-1].split(",")[0].strip()
        result.append([row[-1] if first in (known for known, _ in result) else first, row[0]])
    return result


def _bad(path: Path, received: str) -> UserError:
    return UserError(
        "lines of one class each: a name, a name and a value, or a name and red, green, blue",
        received,
        "correct it",
        where=str(path),
    )

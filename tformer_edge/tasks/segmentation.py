"""Segmentation, the device half: a class for each pixel of the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tformer_edge.class_maps import areas, class_map
from tformer_edge.frame import Frame
from tformer_edge.output_json import Colour, Output
from tformer_edge.palette import colours, text_on
from tformer_edge.printable import printable
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks.segmentation_options import SegmentationOptions
from tformer_edge.tasks.task import Meaning

NOT_SEEN = -1
# Of a drawn answer: the classes' share of a pixel's colour; a legend's line as a share of the longer side; its least.
BLEND, TEXT_SHARE, LEAST_TEXT = 0.55, 1 / 36, 11
# Classes in a line and in a legend.
FIRST = 5


@dataclass(frozen=True)
class Area:
    """One class of a segmented picture.

    Attributes:
        index: of the class in `labels.txt`, from 0.
        label: its text.
        pixels: that have the class.
        share: of the pixels that the input shows, over 0 to 1.
    """

    index: int
    label: str
    pixels: int
    share: float


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A segmenter's answer.

    Attributes:
        class_map: (height, width) int32 of the picture, read-only: the class of each pixel, from 0; `NOT_SEEN` (-1) for
            those that the model's crop leaves out.
        areas: of the classes that are there, the largest first; equal ones by lower index.
        labels, colours: of all classes.
    """

    class_map: NDArray[np.int32]
    areas: tuple[Area, ...]
    labels: Sequence[str]
    colours: Sequence[Colour]

    def line(self) -> str:
        """The largest classes with their shares."""
        shown = [f"{printable(one.label)} {100 * one.share:.1f} %" for one in self.areas[:FIRST]]
        return "   ".join(shown) or "nothing of the picture is seen"

    def to_json(self) -> dict[str, Any]:
        """The classes as JSON types; the map itself is `class_map`."""
        height, width = self.class_map.shape
        return {
            "size": [height, width],
            "areas": [
                {"index": one.index, "label": one.label, "pixels": one.pixels, "share": one.share}
                for one in self.areas
            ],
        }

    def mask(self) -> Image.Image:
        """The class map as a picture with a palette: a pixel's value is its class, 255 where none is seen.

        Raises ValueError for more than 255 classes.
        """
        if len(self.labels) > 255:
            raise ValueError(f"Expected up to 255 classes, received {len(self.labels)}.")
        values = np.where(self.class_map == NOT_SEEN, 255, self.class_map).astype(np.uint8)
        image = Image.fromarray(values)
        image.putpalette([part for one in self.colours for part in one])
        return image

    def draw(self, image: Image.Image) -> Image.Image:
        """A copy of the picture, RGB, with its classes blended over it and a legend of the largest ones."""
        shown = np.asarray(image.convert("RGB"), np.float32)
        table = np.array([*self.colours, (0, 0, 0)], np.float32)
        seen = (self.class_map != NOT_SEEN)[..., None] * np.float32(BLEND)
        blended = shown + seen * (table[self.class_map] - shown)
        drawn = Image.fromarray(np.rint(blended).astype(np.uint8))
        height = max(LEAST_TEXT, round(max(drawn.size) * TEXT_SHARE))
        pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(height * 0.8)
        for number, one in enumerate(self.areas[:FIRST]):
            ground, text = self.colours[one.index], f"{printable(one.label)} {100 * one.share:.1f} %"
            top = number * height
            pen.rectangle((0, top, pen.textlength(text, font) + height / 2, top + height - 1), fill=ground)
            pen.text((height / 4, top + height * 0.05), text, text_on(ground), font)
        return drawn


class SegmentationTask:
    """See `tasks.task.Task`. One output of class logits, (batch, height, width, labels)."""

    name = "segmentation"
    default_options = SegmentationOptions()

    def output_shapes(
        self, batch: int, labels: int, size: tuple[int, int], outputs: Sequence[Output]
    ) -> list[tuple[int, ...]] | None:
        """A logit a cell and label."""
        return [(batch, *one.map_size(size), labels) for one in outputs] or None

    def answer(
        self,
        values: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
        frame: Frame,
        options: SegmentationOptions,
    ) -> Segmentation:
        """The class of each pixel of the picture."""
        (logits,) = values
        top, left, height, width = frame.seen()
        classes = np.full(frame.picture, NOT_SEEN, np.int32)
        counts = np.zeros(len(meaning.labels), np.int64)
        if height and width:
            found = class_map(_signed(logits), (height, width), frame.window(logits.shape[:2]))
            classes[top : top + height, left : left + width] = found
            counts = areas(found, len(meaning.labels))
        classes.setflags(write=False)
        order = [index for index in np.argsort(-counts, kind="stable").tolist() if counts[index]]
        total = height * width
        found_areas = tuple(
            Area(index, meaning.labels[index], int(counts[index]), float(counts[index] / total))
            for index in order
        )
        return Segmentation(
            classes, found_areas, meaning.labels, colours(meaning.colours, len(meaning.labels))
        )

    def agreement(
        self,
        one: Sequence[NDArray[Any]],
        other: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
    ) -> NDArray[np.float64]:
        """The share of cells whose highest class is the same."""
        same = one[0].argmax(axis=-1) == other[0].argmax(axis=-1)
        return np.asarray(same.mean(axis=(1, 2)))

    def golden_answer(
        self,
        values: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
        size: tuple[int, int],
    ) -> bytes:
        """The class of each pixel of each input, 16 bits each."""
        return b"".join(class_map(_signed(one), size).astype("<u2").tobytes() for one in values[0])


def _signed(logits: NDArray[Any]) -> NDArray[Any]:
    """uint8 logits as int8 ones of the same order."""
    return (logits ^ np.uint8(128)).view(np.int8) if logits.dtype == np.uint8 else logits


TASK = SegmentationTask()

"""Detection, the device half: boxes with classes, found in the maps of all levels."""

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tformer_edge.candidates import Level
from tformer_edge.detections import Detections, detect
from tformer_edge.errors import UserError
from tformer_edge.frame import Frame
from tformer_edge.output_json import Colour, DetectionRule, Output
from tformer_edge.palette import colours, text_on
from tformer_edge.printable import printable
from tformer_edge.runner import TensorInfo
from tformer_edge.tasks.detection_options import DetectionOptions
from tformer_edge.tasks.task import Meaning

# Of a drawn answer: a line's width and a label's height as shares of the picture's longer side, and their least.
LINE_SHARE, LEAST_LINE, TEXT_SHARE, LEAST_TEXT = 1 / 300, 2, 1 / 40, 11
# Two runs found the same thing where boxes of one class overlap by more.
SAME = 0.5


@dataclass(frozen=True)
class DetectedObject:
    """One thing in the picture.

    Attributes:
        index: of its class in `labels.txt`, from 0.
        label: its class.
        score: over 0 and under 1; for display, its last bits may vary.
        box: left, top, right, bottom in the picture's pixels.
    """

    index: int
    label: str
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class DetectedObjects:
    """A detector's answer; iterating gives each `DetectedObject`, the best first.

    Attributes:
        objects: the best first; equal ones by level, row, column, anchor, class (docs/contract.md).
        found: the same in the input's pixels: what two machines compare.
        colours: red, green, blue of each class.
    """

    objects: tuple[DetectedObject, ...]
    found: Detections
    colours: Sequence[Colour]

    def __len__(self) -> int:
        return len(self.objects)

    def __iter__(self) -> Iterator[DetectedObject]:
        return iter(self.objects)

    def line(self) -> str:
        """How many of each class, and the best one's score."""
        if not self.objects:
            return "nothing found"
        counts = Counter(one.label for one in self.objects)
        best = {one.label: one.score for one in reversed(self.objects)}
        return "   ".join(
            f"{count} × {printable(label)} (best {100 * best[label]:.0f} %)"
            for label, count in counts.most_common()
        )

    def to_json(self) -> dict[str, Any]:
        """The objects as JSON types."""
        return {
            "objects": [
                {"index": one.index, "label": one.label, "score": one.score, "box": list(one.box)}
                for one in self.objects
            ]
        }

    def draw(self, image: Image.Image) -> Image.Image:
        """A copy of the picture, RGB, with a box and a label for each object, the best on top."""
        shown = image.convert("RGB")
        side = max(shown.size)
        width, height = max(LEAST_LINE, round(side * LINE_SHARE)), max(LEAST_TEXT, round(side * TEXT_SHARE))
        pen, font = ImageDraw.Draw(shown), ImageFont.load_default(height * 0.8)
        for one in reversed(self.objects):
            ground = self.colours[one.index]
            left, top, right, bottom = one.box
            # Boxes of less than a pixel are drawn as one.
            pen.rectangle(
                (left, top, max(left, right - 1), max(top, bottom - 1)), outline=ground, width=width
            )
            text = f"{printable(one.label)} {100 * one.score:.0f} %"
            wide = pen.textlength(text, font) + height / 2
            x = max(0.0, min(left, shown.width - wide))
            y = top - height if top >= height else min(top, shown.height - height)
            pen.rectangle((x, y, x + wide, y + height), fill=ground)
            pen.text((x + height / 4, y + height * 0.05), text, text_on(ground), font)
        return shown


class Detection:
    """See `tasks.task.Task`. Of each level two outputs, logits and deltas, as `output_json.Output` says."""

    name = "detection"
    default_options = DetectionOptions()

    def output_shapes(
        self, batch: int, labels: int, size: tuple[int, int], outputs: Sequence[Output]
    ) -> list[tuple[int, ...]] | None:
        """A map a level and kind, (batch, height, width, anchors × labels or × 4)."""
        if not outputs:
            return None
        return [
            (batch, *one.map_size(size), len(one.anchors) * (labels if one.kind == "logits" else 4))
            for one in outputs
        ]

    def answer(
        self,
        values: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
        frame: Frame,
        options: DetectionOptions,
    ) -> DetectedObjects:
        """The boxes, in the picture's pixels."""
        found = find(values, infos, meaning, frame.size, options)
        boxes = frame.to_picture(found.boxes)
        objects = tuple(
            DetectedObject(index, meaning.labels[index], score, (box[0], box[1], box[2], box[3]))
            for index, score, box in zip(
                found.labels.tolist(), found.scores.tolist(), boxes.tolist(), strict=True
            )
        )
        return DetectedObjects(objects, found, colours(meaning.colours, len(meaning.labels)))

    def agreement(
        self,
        one: Sequence[NDArray[Any]],
        other: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
    ) -> NDArray[np.float64]:
        """Of all boxes of both, the share of those that pair up by class and overlap; 1 where there are none."""
        size = input_size(one, meaning)
        shares = []
        for index in range(len(one[0])):
            pair = [
                find([part[index] for part in run], infos, meaning, size, self.default_options)
                for run in (one, other)
            ]
            total = len(pair[0]) + len(pair[1])
            shares.append(2 * _matched(*pair) / total if total else 1.0)
        return np.array(shares)

    def golden_answer(
        self,
        values: Sequence[NDArray[Any]],
        infos: Sequence[TensorInfo],
        meaning: Meaning,
        size: tuple[int, int],
    ) -> bytes:
        """Of each image the number of boxes, then each one's label, logit and sides in the input's pixels."""
        parts = []
        for index in range(len(values[0])):
            found = find([part[index] for part in values], infos, meaning, size, self.default_options)
            parts.append(struct.pack("<I", len(found)))
            parts += [
                struct.pack("<Id4d", label, logit, *box)
                for label, logit, box in zip(
                    found.labels.tolist(), found.logits.tolist(), found.boxes.tolist(), strict=True
                )
            ]
        return b"".join(parts)


def find(
    values: Sequence[NDArray[Any]],
    infos: Sequence[TensorInfo],
    meaning: Meaning,
    size: tuple[int, int],
    options: DetectionOptions,
) -> Detections:
    """What the maps of one image say, in the pixels of an input of `size`.

    Raises UserError where nothing says how boxes are found.
    """
    rule = meaning.detection
    if rule is None:
        raise UserError(
            "a contract that says how boxes are found", "none", "convert the model again with this version"
        )
    score, overlap, most = options.score_threshold, options.iou_threshold, options.max_boxes
    return detect(
        levels_of(values, infos, meaning.outputs),
        size,
        score_threshold=rule.score_threshold if score is None else score,
        iou_threshold=rule.iou_threshold if overlap is None else overlap,
        per_level=rule.per_level,
        max_boxes=rule.max_boxes if most is None else most,
    )


def levels_of(
    values: Sequence[NDArray[Any]], infos: Sequence[TensorInfo], outputs: Sequence[Output]
) -> list[Level]:
    """The maps of one image, level by level; those of uint8 as real numbers."""
    maps = [
        info.dequantize(one) if one.dtype == np.uint8 else one
        for one, info in zip(values, infos, strict=True)
    ]
    return [
        Level(outputs[start].level, maps[start], maps[start + 1], infos[start], infos[start + 1])
        for start in range(0, len(outputs), 2)
    ]


def input_size(values: Sequence[NDArray[Any]], meaning: Meaning) -> tuple[int, int]:
    """(height, width) in pixels of an input that the finest maps, (n, height, width, …), cover: whole cells."""
    stride = meaning.outputs[0].stride
    return values[0].shape[1] * stride, values[0].shape[2] * stride


def _matched(one: Detections, other: Detections) -> int:
    """How many boxes of one find a box of the other, of their class and overlapping by more than `SAME`: greedily."""
    taken = np.zeros(len(other), bool)
    for box, label in zip(one.boxes, one.labels, strict=True):
        sides = np.minimum(box[2:], other.boxes[:, 2:]) - np.maximum(box[:2], other.boxes[:, :2])
        inter = np.prod(sides.clip(0.0), axis=1)
        areas = np.prod(other.boxes[:, 2:] - other.boxes[:, :2], axis=1)
        overlap = inter / (np.prod(box[2:] - box[:2]) + areas - inter)
        overlap[taken | (other.labels != label)] = 0.0
        if overlap.size and overlap.max() > SAME:
            taken[overlap.argmax()] = True
    return int(taken.sum())


TASK = Detection()
__all__ = ["TASK", "DetectedObject", "DetectedObjects", "DetectionRule", "find", "levels_of"]

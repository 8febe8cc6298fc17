"""What each output of a model is, and how its answers are found: `outputs` and `detection` of `model.json`."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tformer_edge.anchors import AnchorLevel
from tformer_edge.json_fields import get, integer, is_number, one_of, text, wrong

Kind = Literal["scores", "logits", "deltas", "class_logits"]
Colour = tuple[int, int, int]

MAX_OUTPUTS, MAX_STRIDE, MAX_ANCHORS, MAX_ANCHOR_SIDE = 64, 8192, 64, 65_536
MAX_PER_LEVEL, MAX_BOXES = 100_000, 10_000


@dataclass(frozen=True)
class Output:
    """One output tensor.

    Attributes:
        name: for people and programs, 1 to 100 bytes of UTF-8.
        kind: "scores", one a label; of a level of a detector "logits" or "deltas"; "class_logits", of a segmenter.
        stride: pixels of the input between two cells of a map, 1 to 8192; 0 of scores.
        anchors: (width, height) of each anchor of a cell in pixels of the input; of logits and deltas alone.

    Raises Refusal (a UserError) for a value out of range.
    """

    name: str
    kind: Kind
    stride: int = 0
    anchors: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        text(self.name, "outputs.name")
        one_of(self.kind, Kind, "outputs.kind")
        is_map, of_level = self.kind != "scores", self.kind in ("logits", "deltas")
        integer(self.stride, "outputs.stride", int(is_map), MAX_STRIDE if is_map else 0)
        if (not of_level and self.anchors) or not int(of_level) <= len(self.anchors) <= MAX_ANCHORS:
            raise wrong(
                "outputs.anchors",
                f"1 to {MAX_ANCHORS} pairs of logits and deltas, and none of others",
                self.anchors,
            )
        for pair in self.anchors:
            if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(map(_is_side, pair)):
                raise wrong("outputs.anchors", f"pairs of numbers over 0 and up to {MAX_ANCHOR_SIDE}", pair)
        object.__setattr__(
            self, "anchors", tuple((float(width), float(height)) for width, height in self.anchors)
        )

    def map_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) in cells, for an input of `size` pixels: rounded up."""
        return -(-size[0] // self.stride), -(-size[1] // self.stride)

    @property
    def level(self) -> AnchorLevel:
        """The anchors of logits or deltas."""
        return AnchorLevel(self.stride, self.anchors)

    def to_json(self) -> dict[str, Any]:
        """What stands in `model.json`."""
        found: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.kind != "scores":
            found["stride"] = self.stride
        if self.anchors:
            found["anchors"] = [list(pair) for pair in self.anchors]
        return found


@dataclass(frozen=True)
class DetectionRule:
    """How boxes are found in a detector's maps, see `detections.detect`; anybody may ask for other thresholds.

    Raises Refusal (a UserError) for a value out of range.
    """

    score_threshold: float = 0.3
    iou_threshold: float = 0.5
    per_level: int = 1000
    max_boxes: int = 100

    def __post_init__(self) -> None:
        score, overlap = self.score_threshold, self.iou_threshold
        if not is_number(score) or not 0 < score < 1:
            raise wrong("detection.score_threshold", "a number over 0 and under 1", score)
        if not is_number(overlap) or not 0 <= overlap <= 1:
            raise wrong("detection.iou_threshold", "a number from 0 to 1", overlap)
        integer(self.per_level, "detection.per_level", 1, MAX_PER_LEVEL)
        integer(self.max_boxes, "detection.max_boxes", 1, MAX_BOXES)
        object.__setattr__(self, "score_threshold", float(score))
        object.__setattr__(self, "iou_threshold", float(overlap))


def parse_outputs(document: dict[str, Any]) -> tuple[Output, ...]:
    """`outputs` of a `model.json`. Raises Refusal for what docs/contract.md refuses."""
    given = get(document, "outputs", list)
    if not 1 <= len(given) <= MAX_OUTPUTS:
        raise wrong("outputs", f"1 to {MAX_OUTPUTS} objects", len(given))
    return tuple(_output(one, f"outputs[{index}]") for index, one in enumerate(given))


def parse_detection(document: dict[str, Any]) -> DetectionRule:
    """`detection` of a `model.json`. Raises Refusal for what docs/contract.md refuses."""
    given = get(document, "detection", dict)
    kinds: dict[str, Any] = {
        "score_threshold": (int, float),
        "iou_threshold": (int, float),
        "per_level": int,
        "max_boxes": int,
    }
    return DetectionRule(**{name: get(given, name, kind, "detection.") for name, kind in kinds.items()})


def parse_colours(labels: dict[str, Any]) -> tuple[Colour, ...]:
    """`labels.colours` of a `model.json`; none where it is missing."""
    given = labels.get("colours", [])
    if not isinstance(given, list) or not all(isinstance(one, list) for one in given):
        raise wrong("labels.colours", "an array of arrays", given)
    return tuple(tuple(one) for one in given)  # type: ignore[misc]  # the contract checks them


def check_outputs(task: str, outputs: Sequence[Output]) -> None:
    """Refuses others than those of `task`: one of scores; logits and deltas a level; or one of class logits."""
    kinds = [one.kind for one in outputs]
    if task == "classification":
        right = kinds == ["scores"]
    elif task == "segmentation":
        right = kinds == ["class_logits"]
    else:
        pairs = list(zip(outputs[::2], outputs[1::2], strict=False))
        strides = [one.stride for one, _ in pairs]
        right = (
            kinds == ["logits", "deltas"] * len(pairs)
            and all(one.stride == other.stride and one.anchors == other.anchors for one, other in pairs)
            and all(less < more for less, more in itertools.pairwise(strides))
            and len({len(one.anchors) for one in outputs}) == 1
        )
    if not right:
        raise wrong("outputs", f"those of {task}, as docs/contract.md has them", kinds)


def check_colours(colours: Sequence[Colour], labels: int) -> None:
    """Refuses all but no colours, or one a label: red, green, blue, 0 to 255."""
    right = all(
        len(one) == 3 and all(type(part) is int and 0 <= part <= 255 for part in one) for one in colours
    )
    if not right or len(colours) not in (0, labels):
        raise wrong("labels.colours", f"{labels} triples of integers from 0 to 255", list(colours))


def _output(given: Any, where: str) -> Output:
    if not isinstance(given, dict):
        raise wrong(where, "an object", given)
    kind = get(given, "kind", str, f"{where}.")
    stride = get(given, "stride", int, f"{where}.") if kind != "scores" else 0
    anchors = get(given, "anchors", list, f"{where}.") if kind in ("logits", "deltas") else []
    return Output(get(given, "name", str, f"{where}."), kind, stride, tuple(anchors))


def _is_side(value: Any) -> bool:
    return is_number(value) and 0 < value <= MAX_ANCHOR_SIDE

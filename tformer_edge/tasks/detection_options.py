"""What may be asked of a detector's answers."""

import argparse
from dataclasses import dataclass

from tformer_edge.errors import UserError


@dataclass(frozen=True)
class DetectionOptions:
    """Attributes: as in `output_json.DetectionRule`; None: as the contract says. Raises UserError out of range."""

    score_threshold: float | None = None
    iou_threshold: float | None = None
    max_boxes: int | None = None

    def __post_init__(self) -> None:
        for name, value, least in (
            ("score threshold", self.score_threshold, "over 0 and under 1"),
            ("overlap", self.iou_threshold, "from 0 to 1"),
        ):
            if value is None:
                continue
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not (0 < value < 1 or (name == "overlap" and value in (0, 1))):
                raise UserError(f"a {name} {least}", repr(value), "leave it out for the model's own")
        if self.max_boxes is not None and (type(self.max_boxes) is not int or self.max_boxes < 1):
            raise UserError(
                "1 box or more at most", repr(self.max_boxes), "leave it out for the model's own number"
            )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares --score-threshold, --iou-threshold and --max-boxes."""
    own = "default: the model's own"
    parser.add_argument(
        "--score-threshold",
        type=float,
        metavar="S",
        help=f"of a detector: the score that a box must exceed ({own})",
    )
    parser.add_argument(
        "--iou-threshold",
        type=float,
        metavar="O",
        help=f"of a detector: of boxes of a class that overlap by more, the best stays ({own})",
    )
    parser.add_argument("--max-boxes", type=int, metavar="N", help=f"of a detector: boxes at most ({own})")


def options(args: argparse.Namespace) -> DetectionOptions:
    """What was given. Raises UserError for values out of range."""
    return DetectionOptions(args.score_threshold, args.iou_threshold, args.max_boxes)

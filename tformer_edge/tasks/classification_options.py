"""What may be asked of a classifier's answers."""

import argparse
from dataclasses import dataclass

from tformer_edge.errors import UserError


@dataclass(frozen=True)
class ClassificationOptions:
    """Attributes: `top`: labels in an answer, at least 1; more than there are means all. Raises UserError otherwise."""

    top: int = 5

    def __post_init__(self) -> None:
        if type(self.top) is not int or self.top < 1:
            raise UserError("top of at least 1", repr(self.top), "5 is the usual number")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares --top."""
    parser.add_argument(
        "--top", type=int, default=3, metavar="K", help="of a classifier: labels an image (default: 3)"
    )


def options(args: argparse.Namespace) -> ClassificationOptions:
    """What was given. Raises UserError for values out of range."""
    return ClassificationOptions(args.top)

"""What may be asked of a segmenter's answers: nothing yet."""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True)
class SegmentationOptions:
    """Without attributes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares nothing."""


def options(args: argparse.Namespace) -> SegmentationOptions:
    """What was given."""
    return SegmentationOptions()

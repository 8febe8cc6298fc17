"""Numbers on the command line: argparse turns the error into its own sentence, with the option's name."""

import argparse
import math


def positive_int(text: str) -> int:
    """A whole number of at least 1."""
    return _whole(text, 1)


def count(text: str) -> int:
    """A whole number of at least 0."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, received {text!r}")
    return value


def positive_seconds(text: str) -> float:
    """Seconds, over 0 and finite."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected seconds over 0, received {text!r}")
    return value

"""The options that name a trained model, apart from `trained.py` because `--help` must not wait for Keras."""

import argparse
from pathlib import Path

MODEL_HELP = "a run's folder, a .keras file, or a shipped name (see `tformer list`)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--model`, and what a bare `.keras` file does not say."""
    parser.add_argument(
        "--model",
        required=True,
        metavar="MODEL",
        help=MODEL_HELP,
    )
    add_bare_arguments(parser)


def add_bare_arguments(parser: argparse.ArgumentParser) -> None:
    """What a bare `.keras` file does not say."""
    parser.add_argument(
        "--mean", type=float, nargs=3, metavar="M", help="of a bare .keras file: mean, 0 to 1, R G B"
    )
    parser.add_argument(
        "--std", type=float, nargs=3, metavar="S", help="of a bare .keras file: standard deviation, R G B"
    )
    parser.add_argument(
        "--resize", choices=("stretch", "shorter"), help="of a bare .keras file: how images are resized"
    )
    parser.add_argument(
        "--crop-fraction",
        type=float,
        default=1.0,
        metavar="F",
        help='of a bare .keras file: what "shorter" keeps (default: 1)',
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="of a bare .keras file: class names, one a line"
    )

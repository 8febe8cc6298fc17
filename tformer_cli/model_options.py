"""The options that name a trained model; what they need of Keras is imported when they are used."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tformer_edge.errors import UserError
from tformer_edge.preprocessing_checks import CHOICES

if TYPE_CHECKING:
    from tformer_keras.training.saved_model import BarePreprocessing

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
        "--mean",
        type=float,
        nargs="+",
        metavar="M",
        help="of a bare .keras file: mean, 0 to 1, R G B or of grey",
    )
    parser.add_argument(
        "--std",
        type=float,
        nargs="+",
        metavar="S",
        help="of a bare .keras file: standard deviation, R G B or of grey",
    )
    parser.add_argument(
        "--resize",
        choices=CHOICES["resize"],
        help="of a bare .keras file: how images are resized",
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


def bare_preprocessing(args: argparse.Namespace) -> "BarePreprocessing | None":
    """What was given of it; None where nothing was. Raises UserError where only some was, and for bad labels."""
    from tformer_edge.labels import read_label_file
    from tformer_keras.training.saved_model import BarePreprocessing

    names = ("mean", "std", "resize", "labels")
    given = [name for name in names if getattr(args, name) is not None]
    if not given and args.crop_fraction == 1:
        return None
    missing = [f"--{name}" for name in names if name not in given]
    if missing:
        raise UserError(
            "--mean, --std, --resize and --labels together, or config.json beside the model",
            f"none of {', '.join(missing)}",
            f"add {', '.join(missing)}, or leave the others away",
        )
    return BarePreprocessing(
        mean=tuple(args.mean),
        std=tuple(args.std),
        resize=args.resize,
        labels=read_label_file(args.labels),
        crop_fraction=args.crop_fraction,
    )


def rewrites(text: str | None) -> str | tuple[str, ...] | None:
    """--rewrites: "all", "none", None, or names separated by commas."""
    return text if text in (None, "all", "none") else tuple(text.split(","))

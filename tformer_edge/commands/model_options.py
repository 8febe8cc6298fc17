"""The options that say which model runs and how, and what a file without a contract does not say itself."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from tformer_edge.errors import UserError
from tformer_edge.labels import read_label_file
from tformer_edge.model import Model
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.preprocessing_checks import CHOICES, ChannelOrder
from tformer_edge.runner import KERNELS
from tformer_edge.tasks import OPTIONS


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL and how it runs."""
    parser.add_argument("model", metavar="MODEL", help="a .tflite file")
    parser.add_argument("--threads", type=int, metavar="N", help="default: this machine's cores, up to 4")
    parser.add_argument("--kernels", choices=KERNELS, default="xnnpack", help="LiteRT's (default: xnnpack)")
    parser.add_argument(
        "--trusted",
        action="store_true",
        help="run a file that you made or trust in this process: starts sooner, but a hostile file would take it down",
    )


def add_hand_arguments(parser: argparse.ArgumentParser) -> None:
    """What stands in for a contract."""
    group = parser.add_argument_group("for a file without a contract, all of them")
    group.add_argument("--size", nargs=2, type=int, metavar=("H", "W"), help="of the input, in pixels")
    for name, text in (("mean", "mean, 0 to 1, R G B or of grey"), ("std", "standard deviation, the same")):
        group.add_argument(f"--{name}", nargs="+", type=float, metavar="X", help=text)
    group.add_argument("--resize", choices=CHOICES["resize"], help="how images are resized")
    group.add_argument("--labels", type=Path, metavar="FILE", help="class names, one a line")
    group.add_argument("--meaning", choices=("logits", "probabilities"), help="of the scores")
    group.add_argument("--crop-fraction", type=float, metavar="F", help='what "shorter" keeps (default: 1)')


def add_answer_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be asked of the answers, task by task."""
    for options in OPTIONS.values():
        options.add_arguments(parser)


def asked_of(model: Model, args: argparse.Namespace) -> dict[str, Any]:
    """What was asked of the answers of an open model's task, for `Model.predict`."""
    contract = model.file.contract
    name = "classification" if contract is None else contract.task
    return dataclasses.asdict(OPTIONS[name].options(args)) if name in OPTIONS else {}


def open_model(args: argparse.Namespace, warm: bool = True) -> Model:
    """The model that the arguments name; `warm` as in `Model`.

    Raises UserError for a file, or arguments, that `Model` refuses, and for labels that cannot be read.
    """
    hand = {
        name: getattr(args, name, None) for name in ("size", "mean", "std", "resize", "labels", "meaning")
    }
    given = [name for name, value in hand.items() if value is not None]
    isolated = not args.trusted
    if not given and getattr(args, "crop_fraction", None) is None:
        return Model(args.model, threads=args.threads, kernels=args.kernels, isolated=isolated, warm=warm)
    missing = [f"--{name}" for name, value in hand.items() if value is None]
    if missing:
        raise UserError(
            "--size, --mean, --std, --resize, --labels and --meaning together for a file without a contract",
            f"none of {', '.join(missing)}",
            "add them, or leave the others away",
        )
    crop = 1.0 if args.crop_fraction is None else args.crop_fraction
    order: ChannelOrder = "grey" if len(args.mean) == 1 else "rgb"
    preprocessing = Preprocessing(
        tuple(args.size), args.resize, crop, tuple(args.mean), tuple(args.std), order
    )
    return Model(
        args.model,
        threads=args.threads,
        kernels=args.kernels,
        isolated=isolated,
        warm=warm,
        preprocessing=preprocessing,
        labels=read_label_file(args.labels),
        meaning=args.meaning,
    )

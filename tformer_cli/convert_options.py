"""The options of `tformer convert` and `tformer parity` that say which graph is meant; `--help` needs no Keras."""

import argparse
from pathlib import Path
from typing import Any

from tformer_cli import model_options
from tformer_cli.rules_option import add_rules_argument

DEFAULT_MODEL = "tformer_micro_cifar10_large"


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """MODEL, and what becomes of it."""
    parser.add_argument(
        "model",
        nargs="?",
        default=DEFAULT_MODEL,
        metavar="MODEL",
        help="a .keras file, a folder of `tformer train` or `tformer quantize`, a shipped name, or an architecture "
        f"(fresh weights, for measurements; see `tformer list`); default: {DEFAULT_MODEL}",
    )
    parser.add_argument(
        "--ptq",
        action="store_true",
        help="int8 from the float weights, by calibration alone, even where there are quantization-aware ones",
    )
    parser.add_argument(
        "--calibration",
        metavar="FOLDER",
        help="images for post-training quantization, at any depth, or a data set of the package; "
        '"random" for fresh weights only',
    )
    parser.add_argument(
        "--calibration-images",
        type=int,
        default=512,
        metavar="N",
        help="images of the folder to take, evenly spaced (default: 512)",
    )
    parser.add_argument(
        "--target",
        choices=("litert", "micro"),
        help="whose graph (default: litert, or the quantized model's)",
    )
    parser.add_argument(
        "--rewrites",
        metavar="all|none|NAME,…",
        help="rewrites of the graph (default: all, or the quantized model's)",
    )
    parser.add_argument(
        "--data",
        metavar="DATA",
        help='labelled images, as `tformer train` takes them, or "digits": its test images',
    )
    parser.add_argument("--picture", type=Path, metavar="FILE", help="where the picture (PNG) goes")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    model_options.add_bare_arguments(parser)
    add_rules_argument(parser)


def graph_options(args: argparse.Namespace) -> dict[str, Any]:
    """What was given, as fields of `GraphOptions`."""
    return {
        "ptq": args.ptq,
        "calibration": args.calibration,
        "calibration_images": args.calibration_images,
        "target": args.target,
        "rewrites": model_options.rewrites(args.rewrites),
    }

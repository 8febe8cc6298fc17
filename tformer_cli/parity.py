"""`tformer parity`: compares a model's forms on real images: Keras, lowered, quantization-aware, LiteRT."""

import argparse
from pathlib import Path

from tformer_cli import convert_options, model_options
from tformer_cli.rules_option import read_rules
from tformer_edge.errors import UserError

EPILOG = """examples:
  tformer parity --data cifar10/                                        the shipped CIFAR-10 model
  tformer parity runs/photos-int8 --data photos/ --images 0             all test images
  tformer parity runs/photos --ptq --calibration photos/train --data photos/

The exit code is 1 where two forms differ by more than the tolerance. `python converters/check_parity.py` is the same
command."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    convert_options.add_source_arguments(parser)
    parser.add_argument(
        "--images",
        type=int,
        default=1000,
        metavar="N",
        help="test images to take, evenly spaced; 0: all (default: 1000)",
    )
    parser.add_argument(
        "--layer-images",
        type=int,
        default=8,
        metavar="N",
        help="of them for the errors of layers (default: 8)",
    )
    parser.add_argument(
        "--agreement",
        type=float,
        default=0.99,
        metavar="SHARE",
        help="least share of images with the same answer, quantization-aware and under XNNPACK (default: 0.99)",
    )
    parser.add_argument(
        "--reference-agreement",
        type=float,
        default=0.98,
        metavar="SHARE",
        help="the same where LiteRT's reference kernels, which round otherwise, are one of two (default: 0.98)",
    )
    parser.add_argument(
        "--float-difference",
        type=float,
        default=1e-4,
        metavar="SHARE",
        help="largest difference of Keras and the lowered graph, of the output's range (default: 1e-4)",
    )
    parser.add_argument(
        "--layer-cosine",
        type=float,
        default=0.98,
        metavar="C",
        help="below it a layer is where the forms part; reported only (default: 0.98)",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the comparison; 1 beyond the tolerance."""
    import numpy as np

    from tformer_cli.console import Output
    from tformer_edge.files import check_writable, write_all_whole
    from tformer_keras.data.load import load_dataset
    from tformer_keras.data.pixels import pixel_batches, spaced
    from tformer_keras.deploy.compare.parity import Tolerance, compare
    from tformer_keras.deploy.compare.parity_report import draw, show
    from tformer_keras.deploy.conversion import convert
    from tformer_keras.deploy.graph_source import GraphOptions, open_graph

    output = Output(args.json)
    read_rules(args.rules)
    if args.data is None:
        raise UserError("labelled images to compare with", "none", "give --data FOLDER or digits")
    for name, least in (("images", 0), ("layer_images", 1)):
        if getattr(args, name) < least:
            raise UserError(
                f"{least} or more",
                str(getattr(args, name)),
                "take another number",
                where=f"--{name.replace('_', '-')}",
            )
    for name in ("agreement", "reference_agreement", "float_difference", "layer_cosine"):
        if not 0 <= getattr(args, name) <= 1:
            raise UserError(
                "0 to 1", str(getattr(args, name)), "take another share", where=f"--{name.replace('_', '-')}"
            )
    picture: Path | None = args.picture
    if picture is not None:
        check_writable([picture], args.force)
    options = GraphOptions(**convert_options.graph_options(args))
    source = open_graph(args.model, options, int8=True, bare=model_options.bare_preprocessing(args))
    if source.fresh:
        raise UserError(
            "a trained model", f"{args.model}, whose weights are fresh", "train it, or take a shipped one"
        )
    trained = source.trained
    dataset = load_dataset(args.data, seed=trained.split_seed or 0)
    trained.check_classes(dataset, args.data)
    indices = spaced(len(dataset.test), args.images or len(dataset.test))
    classes = len(trained.class_names)
    batches = list(
        pixel_batches(
            dataset.test,
            trained.preprocessing,
            trained.task.judging(dataset.test),
            classes,
            "reading images",
            indices,
        )
    )
    report = compare(
        convert(source.graph),
        trained.preprocessing,
        trained.task,
        trained.outputs_mean(),
        np.concatenate([batch[0] for batch in batches]),
        [np.concatenate(parts) for parts in zip(*(batch[1] for batch in batches), strict=True)],
        args.layer_images,
        Tolerance(args.float_difference, args.agreement, args.reference_agreement, args.layer_cosine),
    )
    if picture is not None:
        write_all_whole({picture: draw(report, trained.name)})
    for note in source.notes:
        output.say(f"note: {note}")
    show(report, trained.name, source.weights, output.console)
    output.result(
        {"model": trained.name, "weights": source.weights, "notes": list(source.notes), **report.to_json()}
    )
    return 0 if report.passed else 1

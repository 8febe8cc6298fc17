"""The options that every run has, whatever it trains."""

import argparse


def seed(text: str) -> int:
    """A seed of random numbers, 0 to 2**32 - 1, which is what Keras' and NumPy's generators take.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 32:
        raise argparse.ArgumentTypeError(
            f"expected a whole number from 0 to {(1 << 32) - 1}, received {text!r}"
        )
    return value


def add_recipe_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """The recipe, and changes of it; `default` says which one it is otherwise."""
    parser.add_argument("--recipe", help=f"see `tformer list` (default: {default})")
    parser.add_argument("--epochs", type=int, help="passes over the training images")
    parser.add_argument("--batch-size", type=int, help="images of a step, over all processes and devices")
    parser.add_argument("--learning-rate", type=float, help="peak learning rate")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="change a field of the recipe, or augmentation.FIELD; may be repeated",
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Checkpoints, trials and events."""
    parser.add_argument(
        "--checkpoint-minutes",
        type=float,
        default=10.0,
        metavar="M",
        help="time between checkpoints within an epoch (default: 10); each epoch ends with one",
    )
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="go on without images that cannot be read"
    )
    parser.add_argument(
        "--limit-steps", type=int, metavar="N", help="use only N batches of each epoch, for a trial"
    )
    parser.add_argument(
        "--tensorboard", action="store_true", help="write TensorBoard events to FOLDER/tensorboard"
    )

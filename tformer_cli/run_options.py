"""The options that every run has, whatever it trains."""

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tformer_edge.errors import UserError


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


def add_teacher_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """The models to learn from, a list; `what` says of the first what it is to the run."""
    parser.add_argument(
        "--teacher",
        action="append",
        default=[],
        metavar="PATH",
        help=f"learn from this .keras model {what}; may be repeated: from the mean of their outputs",
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


def run_fields(args: argparse.Namespace) -> dict[str, Any]:
    """What `add_run_arguments` asks for, and the command line, as fields of a run's job."""
    names = ("limit_steps", "skip_unreadable", "checkpoint_minutes", "tensorboard")
    return {"command": sys.argv, **{name: getattr(args, name) for name in names}}


def check_least(args: argparse.Namespace, limits: Mapping[str, float]) -> None:
    """Raises UserError for an option below its least value; one that is not given is None."""
    for name, least in limits.items():
        value = getattr(args, name)
        if value is not None and not value >= least:
            raise UserError(f"{least} or more", f"{value}", "correct it", where=f"--{name.replace('_', '-')}")


def recipe_of_model(
    args: argparse.Namespace, name: str, trained: Any, fixed: Sequence[str], why: str, **more: Any
) -> Any:
    """The recipe that the options ask for, with a trained model's own task and preprocessing.

    Args:
        args: of `add_recipe_arguments`.
        name: of the recipe.
        trained: the model, `tformer_keras.training.saved_model.Trained`.
        fixed: fields that --set may not change, because the model brings them.
        why: says so.
        more: fields that the command decides.
    """
    from tformer_keras.training.settings import assignments, choose, named

    for setting in assignments(args.settings, "--set"):
        if setting in fixed:
            raise UserError(
                f"no such setting, because {why}", "one", "leave it out", where=f"--set {setting}"
            )
    options = {field: getattr(args, field) for field in ("epochs", "batch_size", "learning_rate")}
    preprocessing = trained.preprocessing
    return dataclasses.replace(
        choose(named(name), args.settings, options | more),
        task=trained.task.name,
        input_size=tuple(preprocessing.input_size),
        resize=preprocessing.resize,
        crop_fraction=preprocessing.crop_fraction,
        mean=preprocessing.mean,
        std=preprocessing.std,
        model_arguments={},
    )


def split_seed_of(args: argparse.Namespace, trained: Any) -> int:
    """By which the test images are those that the model has not seen, whatever seed the batches have."""
    return args.seed if trained.split_seed is None and args.seed is not None else trained.split_seed or 0

"""`tformer update`: retrains few weights of an int8 model on new images, so that its devices need few bytes."""

import argparse
from pathlib import Path

from tformer_cli import run_options
from tformer_cli.rules_option import add_rules_argument, read_rules
from tformer_edge.byte_count import byte_count
from tformer_edge.errors import UserError

EPILOG = """examples:
  tformer update runs/photos-int8 --data new-photos/ --budget 5%
  tformer update tformer_micro_cifar10 --data shifted/ --budget 20kB --out runs/shifted-int8
  tformer convert runs/shifted-int8 --int8 --out shifted.tflite
  tformer publish release shifted.tflite --to site --keys keys

Scales and ranges stay as they are on the devices, and a weight that does not move keeps its byte. First all weights
are trained, then the head alone, then those shares of all that mattered most, each from the deployed ones; the table
says what each wins on the test images and what it costs by way, as the difference of whole files. The best that fits
is written. The same command again goes on with the run, from its last checkpoint."""

# What the deployed model brings with it.
FIXED = (
    *("input_size", "resize", "crop_fraction", "mean", "std", "model_arguments"),
    *("freeze_ranges_from", "distillation_weight", "distillation_temperature"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "model",
        metavar="RUN-INT8",
        help="a run's folder of `tformer quantize` or `tformer update`, or a shipped name",
    )
    parser.add_argument(
        "--data", required=True, metavar="NEW", help="new images of the same classes, as for `tformer train`"
    )
    parser.add_argument(
        "--budget",
        required=True,
        metavar="N%|SIZE",
        help="most bytes of the update: 5%% (of the file), 20kB, 400000",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the run (default: runs/MODEL-update)"
    )
    parser.add_argument(
        "--deployed",
        type=Path,
        metavar="FILE",
        help="the file that devices have (default: what RUN-INT8 converts to)",
    )
    parser.add_argument(
        "--shares",
        type=float,
        nargs="+",
        default=[1, 5, 10],
        metavar="P",
        help="per cent of all weights that may move, each of which is tried (default: 1 5 10)",
    )
    run_options.add_recipe_arguments(parser, "update, or update_scenes of detectors and segmenters")
    parser.add_argument(
        "--seed",
        type=run_options.seed,
        help="of batches and augmentations (default: the model's run's, or 0)",
    )
    run_options.add_run_arguments(parser)
    add_rules_argument(parser)


def budget(text: str) -> int | float:
    """A whole number of bytes, or a share of the file, of what is given with --budget. Raises UserError."""
    if not text.endswith("%"):
        most = byte_count(text, "--budget")
        if most < 1:
            raise UserError("1 byte or more", text, "give more", where="--budget")
        return most
    try:
        share = float(text[:-1]) / 100
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UserError(
            "a share above 0 % and at most 100 %, or bytes",
            repr(text),
            "write for example 5%",
            where="--budget",
        )
    return share


def check(args: argparse.Namespace) -> None:
    """Raises UserError for options that are out of range."""
    run_options.check_least(args, {"limit_steps": 1, "checkpoint_minutes": 0})
    if not all(0 < share < 100 for share in args.shares):
        raise UserError(
            "per cent above 0 and below 100", f"{args.shares}", "write for example 1 5 10", where="--shares"
        )


def run(args: argparse.Namespace) -> int:
    """Makes the update; 130 after an interruption whose checkpoint is saved."""
    from tformer_cli.console import Output
    from tformer_keras.data.load import load_dataset
    from tformer_keras.training.saved_model import need_tensorflow, open_model

    output = Output(args.json)
    most = budget(args.budget)
    check(args)
    need_tensorflow("an update")
    read_rules(args.rules)
    trained = open_model(args.model)
    if trained.quantized is None:
        raise UserError(
            "a quantized model", f"{args.model}, which is a float one", "give a run of `tformer quantize`"
        )
    usual = "update" if trained.task.name == "classification" else "update_scenes"
    why = "the deployed model decides it"
    recipe = run_options.recipe_of_model(
        args, args.recipe or usual, trained, FIXED, why, freeze_ranges_from=0.0
    )
    split_seed = run_options.split_seed_of(args, trained)
    dataset = load_dataset(args.data, seed=split_seed, skip_unreadable=args.skip_unreadable)
    trained.check_classes(dataset, args.data)
    if dataset.left_out:
        output.say(dataset.left_out)
    for skipped in dataset.skipped:
        output.say(f"skipped {skipped}")
    from tformer_keras.deploy.update.update_job import UpdateJob
    from tformer_keras.deploy.update.update_run import update

    out = args.out or Path("runs") / f"{trained.name}-update"
    job = UpdateJob(
        source=args.model,
        data=args.data,
        recipe=recipe,
        out=out,
        seed=split_seed if args.seed is None else args.seed,
        split_seed=split_seed,
        budget=most,
        shares=tuple(sorted({share / 100 for share in args.shares})),
        deployed=args.deployed,
        **run_options.run_fields(args),
    )
    try:
        report = update(job, trained, dataset, output.console)
    except KeyboardInterrupt:
        output.say(f"interrupted; what is finished is in {out}: give the same command again to go on with it")
        output.result({"finished": False, "out": str(out)})
        return 130
    except OSError as error:
        raise UserError(f"to write the run to {out}", f"{error}", "choose another --out") from error
    output.result({**report, "out": str(out)})
    return 0

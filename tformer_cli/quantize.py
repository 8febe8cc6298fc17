"""`tformer quantize`: makes an int8 model of a trained one, by calibration and quantization-aware training."""

import argparse
from pathlib import Path

from tformer_cli import model_options, run_options
from tformer_cli.rules_option import add_rules_argument, read_rules
from tformer_edge.errors import UserError

EPILOG = """examples:
  tformer quantize runs/digits --data digits
  tformer quantize runs/photos --data photos/ --epochs 3 --out runs/photos-int8
  tformer quantize tformer_micro_cifar10 --data cifar10/ --recipe quantize_cifar10
  tformer quantize runs/photos --data photos/ --ptq           calibration alone, without training

The folder that it makes is taken by `tformer evaluate`, `tformer predict` and `tformer convert`.
The same command again goes on with the run, from its last checkpoint."""

# What the float model brings with it.
FIXED = ("input_size", "resize", "crop_fraction", "mean", "std", "model_arguments")
# Options of the training, which --ptq leaves out.
OF_TRAINING = ("recipe", "epochs", "learning_rate", "distill", "teacher", "freeze_ranges", "freeze_weights")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("model", metavar="MODEL", help=model_options.MODEL_HELP)
    parser.add_argument(
        "--data", required=True, metavar="DATA", help='a folder of images as for `tformer train`, or "digits"'
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the run (default: runs/MODEL-int8)"
    )
    run_options.add_recipe_arguments(parser, "quantize, or quantize_scenes of detectors and segmenters")
    parser.add_argument(
        "--seed", type=run_options.seed, help="of batches and augmentations (default: the float run's, or 0)"
    )
    parser.add_argument(
        "--calibration-images",
        type=int,
        default=512,
        metavar="N",
        help="training images that the first ranges are taken from, evenly spaced (default: 512)",
    )
    parser.add_argument("--ptq", action="store_true", help="calibrate only: post-training quantization")
    parser.add_argument(
        "--target",
        choices=("litert", "micro"),
        default="litert",
        help="whose graph is trained (default: litert)",
    )
    parser.add_argument(
        "--rewrites", default="all", metavar="all|none|NAME,…", help="rewrites of the graph (default: all)"
    )
    parser.add_argument(
        "--distill",
        action=argparse.BooleanOptionalAction,
        help="learn from the float model too, which is the teacher: the labels alone can cost a point or three "
        "(default, unless --ptq)",
    )
    run_options.add_teacher_argument(parser, "instead")
    parser.add_argument(
        "--freeze-ranges", action="store_true", help="keep the ranges of the calibration for the whole run"
    )
    parser.add_argument(
        "--freeze-weights",
        nargs="+",
        default=[],
        metavar="LAYER",
        help='keep the weights of these layers (names, with *), or of "all" and train the ranges alone',
    )
    run_options.add_run_arguments(parser)
    model_options.add_bare_arguments(parser)
    add_rules_argument(parser)


def check(args: argparse.Namespace) -> None:
    """Raises UserError for options that are out of range or do not go together."""
    run_options.check_least(
        args, {"calibration_images": 1, "limit_steps": 1, "checkpoint_minutes": 0, "seed": 0}
    )
    if args.ptq:
        given = [f"--{name.replace('_', '-')}" for name in OF_TRAINING if getattr(args, name)]
        if given:
            raise UserError(
                "--ptq, which does not train, without options of training",
                ", ".join(given),
                "leave one or the other out",
            )
    if args.teacher and args.distill is False:
        raise UserError("teachers, or --no-distill", "both", "leave one out", where="--teacher")


def run(args: argparse.Namespace) -> int:
    """Quantizes; 130 after an interruption whose checkpoint is saved."""
    from tformer_cli.console import Output
    from tformer_keras.data.load import load_dataset
    from tformer_keras.training.nested_run import capacity_folders
    from tformer_keras.training.saved_model import need_tensorflow, open_model

    output = Output(args.json)
    check(args)
    need_tensorflow("quantization")
    read_rules(args.rules)
    trained = open_model(args.model, model_options.bare_preprocessing(args))
    if trained.means_quantized:
        raise UserError(
            "a float model", f"{args.model}, which is quantized already", "give the run it was made of"
        )
    usual = "quantize" if trained.task.name == "classification" else "quantize_scenes"
    frozen = {"freeze_ranges_from": 0.0} if args.freeze_ranges else {}
    recipe = run_options.recipe_of_model(
        args, args.recipe or usual, trained, FIXED, "the model brings its own", **frozen
    )
    split_seed = run_options.split_seed_of(args, trained)
    dataset = load_dataset(args.data, seed=split_seed, skip_unreadable=args.skip_unreadable)
    trained.check_classes(dataset, args.data)
    from tformer_keras.deploy.int8.quantize_job import FloatModel, QuantizeJob
    from tformer_keras.deploy.int8.quantize_run import quantize

    out = args.out or Path("runs") / f"{trained.name}-int8"
    job = QuantizeJob(
        source=args.model,
        data=args.data,
        recipe=recipe,
        out=out,
        seed=split_seed if args.seed is None else args.seed,
        split_seed=split_seed,
        target=args.target,
        rewrites=model_options.rewrites(args.rewrites) or "all",
        calibration_images=args.calibration_images,
        calibration_only=args.ptq,
        distill=not args.ptq and args.distill is not False,
        teachers=tuple(args.teacher),
        freeze_weights=tuple(args.freeze_weights),
        **run_options.run_fields(args),
    )
    source = FloatModel(trained.model, trained.preprocessing, trained.record)
    smaller = {name: open_model(folder) for name, folder in capacity_folders(Path(args.model)).items()}
    others = {name: FloatModel(one.model, one.preprocessing, one.record) for name, one in smaller.items()}
    try:
        report = quantize(job, source, dataset, output.console, others)
    except KeyboardInterrupt:
        output.say(
            f"interrupted; the run's last checkpoint is in {out / 'checkpoints'}: give the same command again to go on "
            "with it"
        )
        output.result({"finished": False, "out": str(out)})
        return 130
    except OSError as error:
        raise UserError(f"to write the run to {out}", f"{error}", "choose another --out") from error
    output.result({**report, "out": str(out)})
    return 0

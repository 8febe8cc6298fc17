"""`tformer evaluate`: measures a trained model on a dataset's test images."""

import argparse
from pathlib import Path

from tformer_cli import model_options, run_options

EPILOG = """examples:
  tformer evaluate digits --model runs/digits
  tformer evaluate photos/ --model runs/photos --json
  tformer evaluate CELLS --model runs/cells --pictures seen/  the worst images beside their truth, curves, confusion
  tformer evaluate photos/ --model runs/photos-int8          as fake quantization computes it
  tformer evaluate photos/ --model some.keras --mean 0.5 0.5 0.5 --std 0.5 0.5 0.5 --resize stretch --labels names.txt

Preprocessing and class names come from config.json beside the model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("data", metavar="DATA", help='a folder of images, or "digits"')
    model_options.add_arguments(parser)
    parser.add_argument(
        "--split", choices=("test", "train"), default="test", help="which images (default: test)"
    )
    parser.add_argument(
        "--seed", type=run_options.seed, help="of the split of a folder without test/ (default: the run's)"
    )
    parser.add_argument("--batch-size", type=int, default=128, help="images at a time (default: 128)")
    parser.add_argument(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="write the evaluation's pictures there, as training does",
    )
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="go on without images that cannot be read"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the evaluation."""
    from tformer_cli.console import Output
    from tformer_keras.data.load import load_dataset
    from tformer_keras.data.loader import Loader, naming_file
    from tformer_keras.tasks.sheet import Evaluated
    from tformer_keras.tasks.task import evaluate
    from tformer_keras.training import report
    from tformer_keras.training.compiling import compile_option
    from tformer_keras.training.forward import finite, forward
    from tformer_keras.training.saved_model import need_tensorflow, open_model

    output = Output(args.json)
    if args.pictures is not None:
        report.make_folder(args.pictures)
    trained = open_model(args.model, model_options.bare_preprocessing(args))
    seed = (trained.split_seed or 0) if args.seed is None else args.seed
    dataset = load_dataset(args.data, seed=seed, skip_unreadable=args.skip_unreadable)
    if dataset.left_out:
        output.say(dataset.left_out)
    for skipped in dataset.skipped:
        output.say(f"skipped {skipped}")
    trained.check_classes(dataset, args.data)
    split = dataset.test if args.split == "test" else dataset.train
    loader = Loader(
        split,
        trained.preprocessing,
        min(args.batch_size, len(split)),
        shuffle=False,
        task=trained.task.judging(split),
        classes=len(dataset.class_names),
    )
    if trained.means_quantized and trained.quantized is not None:
        from tformer_keras.deploy.int8.quantized_forward import evaluate_quantized
        from tformer_keras.deploy.int8.quantized_model import load_quantized

        need_tensorflow("a quantized model")
        quantized = load_quantized(trained.model, trained.quantized)
        evaluation = evaluate_quantized(quantized, loader, trained.task, dataset.class_names)
    else:
        judge = trained.task.judge(dataset.class_names, trained.task.meaning(trained.model))
        run = finite(forward(trained.model, compile_option(None)), trained.name)
        with naming_file(loader):
            evaluation = evaluate(run, loader.stream(epochs=1), judge)
    output.say(evaluation.table())
    result = {"model": str(trained.path), "data": args.data, "split": args.split, **evaluation.to_json()}
    if args.pictures is not None:
        report.write_pictures(args.pictures, evaluation, Evaluated(split, loader.evaluated()))
        output.say(f"pictures in {args.pictures}")
        result["pictures"] = str(args.pictures)
    output.result(result)
    return 0

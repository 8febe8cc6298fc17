"""`tformer train`: trains a model on a folder of images; the same command again goes on with an interrupted run."""

import argparse
import dataclasses
import re
from pathlib import Path
from typing import Any

from tformer_cli import run_options
from tformer_edge.errors import UserError

EPILOG = """examples:
  tformer train digits --out runs/digits
  tformer train photos/ --out runs/photos            chooses what suits the folder, and says why
  tformer train photos/ --model tformer_micro --input-size 64 --epochs 100 --out runs/photos
  tformer train cells/ --out runs/cells              boxes: Pascal VOC, COCO's JSON or YOLO's text files
  tformer train streets/ --out runs/streets          masks: images/ and masks/
  tformer train photos/ --model tformer_s --recipe finetune --weights runs/large/model.keras --out runs/mine
  tformer train photos/ --model tformer_s --recipe imagenet --set augmentation.mixup=0.2 --model-set norm=group
  tformer train photos/ --model tformer_s --recipe imagenet --nested S,M,L --out runs/sml
  two processes on two machines, run on each with its own --process-id:
    tformer train photos/ --backend jax --processes 2 --process-id 0 --coordinator 10.0.0.1:1234 --out runs/two

photos/ holds train/CLASS/*.jpg|png|... and, if there is one, test/CLASS/*; see `tformer list` for models and recipes.
The same command again goes on with the run, from its last checkpoint."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("data", metavar="DATA", help='a folder of images, boxes or masks, or "digits"')
    parser.add_argument(
        "--model", help="see `tformer list` (default: tformer_micro, or what suits the folder)"
    )
    run_options.add_recipe_arguments(
        parser, "digits for digits, else photos, detect or segment, whichever the folder is for"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the run (default: runs/DATA-MODEL-RECIPE)"
    )
    parser.add_argument(
        "--seed", type=run_options.seed, default=0, help="of weights, batches and augmentations (default: 0)"
    )
    parser.add_argument("--input-size", metavar="N|HxW", help="pixels of the model's input")
    parser.add_argument(
        "--model-set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="model_settings",
        help="change an argument of the model; may be repeated",
    )
    parser.add_argument(
        "--weights",
        metavar="WEIGHTS",
        help="begin with these: a .keras file or a shipped name; the head may differ",
    )
    run_options.add_teacher_argument(parser, "too (distillation)")
    parser.add_argument(
        "--distillation", choices=("soft", "hard"), default="soft", help="how (default: soft)"
    )
    parser.add_argument(
        "--nested",
        metavar="S,M,L",
        help="train several capacities in one network, the smaller ones the first blocks of each stage: S, M and L are "
        "1, 2 and 3 times the model's depths; or depths, 1-1-2-1, with NAME= before them or not",
    )
    parser.add_argument(
        "--mixed-precision",
        nargs="?",
        const="bfloat16",
        choices=("bfloat16", "float16"),
        help="compute in half precision (bfloat16 if none is named)",
    )
    parser.add_argument("--accumulate", type=int, metavar="N", help="batches whose gradients make one update")
    parser.add_argument(
        "--xla",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="compile with XLA (default: on GPUs and on the JAX backend)",
    )
    run_options.add_run_arguments(parser)
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="processes that decode and augment images, the same ones to the bit: for a GPU, as many as it waits for "
        "(default: none, threads of this one do it)",
    )
    parser.add_argument(
        "--processes", type=int, metavar="N", help="processes that train together (JAX backend)"
    )
    parser.add_argument("--process-id", type=int, metavar="I", help="this one's number, from 0")
    parser.add_argument("--coordinator", metavar="HOST:PORT", help="address of process 0, the same for all")


def input_size(text: str) -> tuple[int, int]:
    """ "32" or "32x48" (height x width) as (height, width) in pixels.

    Raises:
        UserError: it is neither.
    """
    match = re.fullmatch(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?", text)
    if match is None:
        raise UserError(
            "N or HEIGHTxWIDTH in pixels", repr(text), "write for example 96", where="--input-size"
        )
    return int(match[1]), int(match[2] or match[1])


def make_recipe(args: argparse.Namespace, base: Any, model: str) -> Any:
    """The recipe `base` for `model`, as the options change it."""
    from tformer_keras.training.model import arguments_of
    from tformer_keras.training.settings import assignments, choose

    options = {
        field: getattr(args, field)
        for field in ("epochs", "batch_size", "learning_rate", "mixed_precision", "accumulate")
    }
    if args.input_size is not None:
        options["input_size"] = input_size(args.input_size)
    recipe = choose(base, args.settings, options)
    arguments = {**recipe.model_arguments, **assignments(args.model_settings, "--model-set")}
    if args.weights is not None:
        # The shape of the weights' own model, so that they fit without being described again.
        arguments = {**arguments_of(args.weights, model), **arguments}
    return dataclasses.replace(recipe, model_arguments=arguments)


def run(args: argparse.Namespace) -> int:
    """Trains; 130 after an interruption whose checkpoint is saved."""
    from tformer_cli.console import Output

    output = Output(args.json)
    if args.limit_steps is not None and args.limit_steps < 1:
        raise UserError("at least 1", f"{args.limit_steps}", "leave it out to use all", where="--limit-steps")
    if not args.checkpoint_minutes >= 0:
        raise UserError(
            "0 or more", str(args.checkpoint_minutes), "10 is usual", where="--checkpoint-minutes"
        )
    from tformer_keras.data.load import load_dataset
    from tformer_keras.data.loader import MAX_PROCESSES
    from tformer_keras.training.distribution import join
    from tformer_keras.training.photos import as_begun, choose_photos, facts_of
    from tformer_keras.training.run_folder import Job
    from tformer_keras.training.scenes import RECIPE_OF, choose_scenes
    from tformer_keras.training.settings import named
    from tformer_keras.training.train import train

    if not 0 <= args.workers <= MAX_PROCESSES:
        raise UserError(f"0 to {MAX_PROCESSES}", str(args.workers), "one a core is most", where="--workers")
    dataset, choice = None, None
    name = args.recipe or ("digits" if args.data == "digits" else None)
    if name in (None, "photos", *RECIPE_OF.values()):
        dataset = load_dataset(args.data, seed=args.seed, skip_unreadable=args.skip_unreadable)
        wanted = RECIPE_OF.get(dataset.task, "photos")
        if name not in (None, wanted):
            raise UserError(
                f"the recipe {wanted} for {args.data}, which is data of {dataset.task}",
                str(name),
                "leave it out",
                where="--recipe",
            )
        scenes = dataset.task in RECIPE_OF
        choice = (
            choose_scenes(dataset, args.batch_size)
            if scenes
            else choose_photos(facts_of(dataset), args.batch_size)
        )
    model = args.model or (choice.model if choice else "tformer_micro")
    of_recipe = choice.recipe.name if choice else name
    out = args.out or Path("runs") / f"{Path(args.data).resolve().name}-{model}-{of_recipe}"
    choice = as_begun(choice, out) if choice else None
    base = choice.recipe if choice else named(str(name))
    recipe = make_recipe(args, base, model)
    cluster = join(args.processes, args.process_id, args.coordinator)
    if choice is not None and cluster.writes:
        for reason in choice.reasons:
            output.say(f"chosen: {reason}")
    job = Job(
        data=args.data,
        model=model,
        recipe=recipe,
        out=out,
        seed=args.seed,
        weights=args.weights,
        teachers=tuple(args.teacher),
        distillation=args.distillation,
        xla=args.xla,
        nested=args.nested,
        **run_options.run_fields(args),
        workers=args.workers,
    )
    try:
        report = train(job, output.console, cluster, dataset)
    except KeyboardInterrupt:
        if cluster.writes:
            output.say(
                f"interrupted; the run's last checkpoint is in {out / 'checkpoints'}: give the same command "
                "again to go on with it"
            )
            output.result({"finished": False, "out": str(out)})
        return 130
    if cluster.writes:
        output.result({**report, "out": str(out)})
    return 0

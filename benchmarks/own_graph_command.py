"""The command that trains a graph that is none of the package's models by one of its recipes."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tformer_cli import run_options
from tformer_edge.command_line import guarded

if TYPE_CHECKING:
    import keras

Build = Callable[[int], "keras.Model"]  # from the number of classes


def run_command(
    argv: list[str] | None, name: str, build: Build, size: tuple[int, int], description: str | None
) -> int:
    """Trains `build`'s graph in a folder of its own, or goes on there, as `tformer train` does.

    Args:
        argv: the command line; None: the process's.
        name: of the graph, and of its file in `benchmarks`.
        size: height and width of its input, pixels; what the recipe says of a TFormer does not apply.
        description: what `--help` says.

    Returns:
        0; 2 for the user's mistakes; 130 after an interruption whose checkpoint is saved.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", metavar="DATA", help=f"a folder of images of {size[0]}×{size[1]} pixels or more"
    )
    run_options.add_recipe_arguments(parser, "cifar10")
    parser.set_defaults(recipe="cifar10")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder of the run")
    parser.add_argument("--seed", type=run_options.seed, default=0, help="default: 0")
    run_options.add_teacher_argument(parser, "too (distillation)")
    parser.add_argument("--weights", metavar="PATH", help="begin from this .keras file of the same graph")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    run_options.add_run_arguments(parser)
    args = parser.parse_args(argv)
    return guarded(f"benchmarks/{name}.py", lambda: _train(args, name, build, size))


def _train(args: argparse.Namespace, name: str, build: Build, size: tuple[int, int]) -> int:
    from benchmarks.own_graph_run import OwnGraph, train_graph
    from tformer_cli.console import Output
    from tformer_keras.data.load import load_dataset
    from tformer_keras.models.weights import fill
    from tformer_keras.training.run_folder import Job, recorded_teachers
    from tformer_keras.training.settings import choose, named

    output = Output(args.json)
    options = {field: getattr(args, field) for field in ("epochs", "batch_size", "learning_rate")}
    recipe = dataclasses.replace(
        choose(named(args.recipe), args.settings, options), input_size=size, model_arguments={}
    )
    job = Job(
        data=args.data,
        model=name,
        recipe=recipe,
        out=args.out,
        seed=args.seed,
        weights=args.weights,
        teachers=tuple(args.teacher),
        **run_options.run_fields(args),
    )
    dataset = load_dataset(job.data, seed=job.seed, skip_unreadable=job.skip_unreadable)

    def begun() -> keras.Model:
        model = build(len(dataset.class_names))
        if job.weights is not None:
            fill(model, job.weights)
        return model

    graph = OwnGraph(begun, size, {}, {"teacher": recorded_teachers(job.teachers), "weights": job.weights})
    try:
        report = train_graph(job, graph, dataset, output.console)
    except KeyboardInterrupt:
        output.say(f"interrupted; give the same command again to go on with {job.out}")
        return 130
    output.result({**report, "out": str(job.out)})
    return 0

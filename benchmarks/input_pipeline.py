"""How fast training images are made: images a CPU second in one process, and a second with processes beside it.

    python -m tools.imagenet_layout /tmp/imagenet && python -m benchmarks.input_pipeline /tmp/imagenet
    python -m benchmarks.input_pipeline /tmp/imagenet --workers 0 1 2 --torchvision --timm
    python -m benchmarks.input_pipeline BCCD        # boxes or masks: the recipe and size that `tformer train` chooses

The whole recipe: decoding, random crop, flip, RandAugment or colour, erasing, truth, MixUp or CutMix, normalising.
With --torchvision and --timm the same steps by their transforms and PyTorch's DataLoader (which you install), in
turn with ours. Nothing is trained; what consumes the batches only takes them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.input_pytorch import MADE_BY, pytorch_batches
from benchmarks.provenance import provenance
from tformer_edge.command_line import guarded
from tformer_edge.errors import UserError

SIZE = 224


@dataclasses.dataclass(frozen=True)
class Speed:
    """One line: images a second of the clock, and a CPU second of all processes together."""

    pipeline: str
    workers: int
    images_per_second: float
    images_per_cpu_second: float


@dataclasses.dataclass(frozen=True)
class Work:
    """What is measured: the images, how they are made, and as what; `task` is bound to a model where it needs one."""

    data: str
    dataset: Any
    recipe: Any
    task: Any
    size: tuple[int, int]
    batch: int
    cache_bytes: int


def work_of(args: argparse.Namespace) -> Work:
    """What the options ask for."""
    from tformer_keras.data import load_dataset
    from tformer_keras.tasks import TASKS
    from tformer_keras.training.model import build_model, model_config
    from tformer_keras.training.scenes import RECIPE_OF, choose_scenes
    from tformer_keras.training.settings import choose, named

    dataset = load_dataset(args.data)
    task, size = TASKS[dataset.task], (SIZE, SIZE)
    if dataset.task in RECIPE_OF:
        choice = choose_scenes(dataset)
        recipe = choice.recipe
        size = recipe.input_size or size
        config = model_config(choice.model, size, len(dataset.class_names), recipe.model_arguments)
        task = task.of(build_model(choice.model, config))
    else:
        recipe = named(args.recipe)
    recipe = choose(recipe, args.settings, {})
    batch = args.batch_size or (64 if dataset.task == "classification" else recipe.batch_size)
    return Work(args.data, dataset, recipe, task, size, batch, args.cache_mb << 20)


def ours(work: Work, workers: int) -> tuple[Iterator[Any], Callable[[], None]]:
    """Our batches without end, and what ends them."""
    from tformer_keras.data import Loader

    loader = Loader(
        work.dataset.train,
        work.recipe.preprocessing(work.size),
        work.batch,
        shuffle=True,
        task=work.task,
        classes=len(work.dataset.class_names),
        augmentation=work.recipe.augmentation,
        cache_bytes=work.cache_bytes,
        processes=workers,
    )
    return iter(loader.stream()), loader.close


def cpu_seconds() -> float:
    """Of this process and its living children; those that ended are counted too."""
    import psutil

    total = 0.0
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        times = process.cpu_times()
        total += times.user + times.system + (times.children_user + times.children_system)
    return total


def measure(name: str, work: Work, workers: int, batches: int) -> Speed:
    """Takes `batches` after as many as fill the pipeline."""
    if name in MADE_BY:
        stream, close = pytorch_batches(name, work.data, work.recipe, work.size[0], work.batch, workers)
    else:
        stream, close = ours(work, workers)
    try:
        for _ in range(4):
            next(stream)
        clock, spent = time.perf_counter(), cpu_seconds()
        for _ in range(batches):
            next(stream)
        seconds, spent = time.perf_counter() - clock, cpu_seconds() - spent
    finally:
        close()
    if not spent:  # the system counts hundredths
        raise UserError(
            "work that takes CPU time", "too little to be counted", "take more", where="--batches"
        )
    return Speed(name, workers, batches * work.batch / seconds, batches * work.batch / spent)


def run(args: argparse.Namespace) -> int:
    """Measures in turn and prints."""
    names = ["tformer-keras", *(name for name in MADE_BY if getattr(args, name))]
    work, rows = work_of(args), []
    for workers in args.workers:
        for name in names:
            rows.append(measure(name, work, workers, args.batches))
            print(f"{name}, {workers} workers", file=sys.stderr, flush=True)
    if args.json:
        print(json.dumps({"rows": [dataclasses.asdict(row) for row in rows], "made": provenance()}, indent=2))
        return 0
    print("| pipeline | workers | images a second | images a CPU second |\n|---|---:|---:|---:|")
    for row in rows:
        print(
            f"| {row.pipeline} | {row.workers or 'none'} | {row.images_per_second:,.0f} | "
            f"{row.images_per_cpu_second:,.0f} |"
        )
    return 0


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", metavar="DATA", help="a folder of images in ImageNet's layout, boxes or masks"
    )
    parser.add_argument("--recipe", default="imagenet", help="for a folder a class (default: %(default)s)")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="as for `tformer train`",
    )
    parser.add_argument("--batch-size", type=int, help="default: 64, or what is chosen for boxes and masks")
    parser.add_argument(
        "--cache-mb", type=int, default=0, help="for decoded pictures (default: none: they fit nowhere)"
    )
    parser.add_argument("--batches", type=int, default=20, help="that are timed (default: %(default)s)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    for name in MADE_BY:
        parser.add_argument(f"--{name}", action="store_true", help="its pipeline in turn with ours")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    return guarded("benchmarks/input_pipeline.py", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())

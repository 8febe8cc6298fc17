"""How fast training images are made: images a CPU second in one process, and a second with processes beside it.

    python -m tools.imagenet_layout /tmp/imagenet && python -m benchmarks.input_pipeline /tmp/imagenet
    python -m benchmarks.input_pipeline /tmp/imagenet --workers 0 1 2 --torchvision

The whole recipe "imagenet" at 224×224: decoding, random crop, flip, RandAugment, erasing, MixUp or CutMix, normalising.
With --torchvision the same steps by torchvision's transforms and PyTorch's DataLoader (which you install),
in turn with ours. Nothing is trained; what consumes the batches only takes them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

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


def ours(data: str, recipe_name: str, batch: int, workers: int) -> tuple[Iterator[Any], Callable[[], None]]:
    """Our batches without end, and what ends them."""
    from tformer_keras.data import Loader, load_dataset
    from tformer_keras.tasks import TASKS
    from tformer_keras.training.settings import named

    recipe, dataset = named(recipe_name), load_dataset(data)
    loader = Loader(
        dataset.train,
        recipe.preprocessing((SIZE, SIZE)),
        batch,
        shuffle=True,
        task=TASKS["classification"],
        classes=len(dataset.class_names),
        augmentation=recipe.augmentation,
        cache_bytes=0,  # ImageNet fits into no memory
        processes=workers,
    )
    return iter(loader.stream()), loader.close


def by_torchvision(
    data: str, recipe_name: str, batch: int, workers: int
) -> tuple[Iterator[Any], Callable[[], None]]:
    """torchvision's batches without end."""
    try:
        import torch
        from torchvision import datasets
        from torchvision.transforms import v2
    except ImportError as error:
        raise UserError("torchvision", "none", "pip install torchvision", where="--torchvision") from error
    from tformer_keras.training.settings import named

    recipe = named(recipe_name)
    augmentation = recipe.augmentation
    assert augmentation.resized_crop is not None and augmentation.rand_augment is not None
    operations, magnitude = augmentation.rand_augment
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(SIZE, augmentation.resized_crop),
            v2.RandomHorizontalFlip(),
            v2.RandAugment(operations, round(magnitude * 3), fill=128),  # of 30 steps, where the paper has 10
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(recipe.mean, recipe.std),
            v2.RandomErasing(augmentation.random_erasing),
        ]
    )
    torch.set_num_threads(1)
    images = datasets.ImageFolder(str(Path(data, "train")), transform)
    mix = v2.RandomChoice(
        [
            v2.MixUp(alpha=augmentation.mixup, num_classes=len(images.classes)),
            v2.CutMix(alpha=augmentation.cutmix, num_classes=len(images.classes)),
        ]
    )
    loader = torch.utils.data.DataLoader(
        images, batch, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
    )

    def endless() -> Generator[Any, None, None]:
        while True:
            for pair in loader:
                yield mix(*pair)

    stream = endless()
    return stream, stream.close


PIPELINES = {"tformer-keras": ours, "torchvision": by_torchvision}


def cpu_seconds() -> float:
    """Of this process and its living children; those that ended are counted too."""
    import psutil

    total = 0.0
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        times = process.cpu_times()
        total += times.user + times.system + (times.children_user + times.children_system)
    return total


def measure(name: str, data: str, recipe: str, batch: int, workers: int, batches: int) -> Speed:
    """Takes `batches` after as many as fill the pipeline."""
    stream, close = PIPELINES[name](data, recipe, batch, workers)
    try:
        for _ in range(4):
            next(stream)
        clock, work = time.perf_counter(), cpu_seconds()
        for _ in range(batches):
            next(stream)
        seconds, spent = time.perf_counter() - clock, cpu_seconds() - work
    finally:
        close()
    return Speed(name, workers, batches * batch / seconds, batches * batch / spent)


def run(args: argparse.Namespace) -> int:
    """Measures in turn and prints."""
    names = ["tformer-keras", *(["torchvision"] if args.torchvision else [])]
    rows = []
    for workers in args.workers:
        for name in names:
            rows.append(measure(name, args.data, args.recipe, args.batch_size, workers, args.batches))
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
    parser.add_argument("data", metavar="DATA", help="a folder of images in ImageNet's layout")
    parser.add_argument("--recipe", default="imagenet", help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--batches", type=int, default=20, help="that are timed (default: %(default)s)")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="default: 0 1 2")
    parser.add_argument("--torchvision", action="store_true", help="its pipeline in turn with ours")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    return guarded("benchmarks/input_pipeline.py", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())

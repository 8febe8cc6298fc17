"""The same images by torchvision's or timm's transforms and PyTorch's DataLoader, for benchmarks/input_pipeline.py.

As their own reference trainings put them together: each operation by Pillow on uint8, floats from the normalisation on;
MixUp and CutMix where a batch is put together (torchvision), or after it (timm without a GPU).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from tformer_edge.errors import UserError
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.training.recipe import Recipe

MADE_BY = ("torchvision", "timm")


@dataclasses.dataclass(frozen=True)
class Mixed:
    """A batch from its images: stacked, then mixed; in the process that made them."""

    mix: Any

    def __call__(self, images: list[Any]) -> Any:
        from torch.utils.data import default_collate

        return self.mix(*default_collate(images))


def pytorch_batches(
    name: str, data: str, recipe: Recipe, size: int, batch: int, workers: int
) -> tuple[Iterator[Any], Callable[[], None]]:
    """Batches without end, float32 (batch, 3, size, size) and shares (batch, classes); and what ends them.

    Args:
        name: one of `MADE_BY`.
        data: a folder with `train`, of a folder a class.
        recipe: for a classifier, with a random crop, RandAugment, erasing, MixUp and CutMix.
        size: of the images, in pixels.
        batch: images of one.
        workers: processes; 0: this one.

    Raises UserError where the library is not installed, or the recipe is another.
    """
    augmentation = recipe.augmentation
    if not (
        augmentation.resized_crop and augmentation.rand_augment and augmentation.mixup and augmentation.cutmix
    ):
        raise UserError(
            "a recipe with a random crop, RandAugment, MixUp and CutMix",
            recipe.name,
            "take imagenet",
            where=f"--{name}",
        )
    try:
        import torch
        from torchvision import datasets

        parts = {"torchvision": _torchvision, "timm": _timm}[name]
        folder = str(Path(data, "train"))
        classes = len(datasets.ImageFolder(folder).classes)
        transform, collate, mix = parts(recipe, augmentation, size, classes)
    except ImportError as error:
        needed = " ".join(MADE_BY[: MADE_BY.index(name) + 1])
        raise UserError(name, "none", f"pip install {needed}", where=f"--{name}") from error
    torch.set_num_threads(1)  # workers have one by themselves
    loader = torch.utils.data.DataLoader(
        datasets.ImageFolder(folder, transform),
        batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=collate,
    )

    def endless() -> Generator[Any, None, None]:
        while True:
            for one in loader:
                yield one if mix is None else mix(*one)

    stream = endless()
    return stream, stream.close


def _torchvision(recipe: Recipe, options: Augmentation, size: int, classes: int) -> tuple[Any, Any, Any]:
    import torch
    from torchvision.transforms import InterpolationMode, v2

    operations, magnitude = options.rand_augment or (0, 0.0)
    steps = round(magnitude * 3)  # of 30, where the paper has 10
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(size, options.resized_crop),
            v2.RandomHorizontalFlip(),
            v2.RandAugment(operations, steps, interpolation=InterpolationMode.BILINEAR, fill=[128] * 3),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(recipe.mean, recipe.std),
            v2.RandomErasing(options.random_erasing, options.erasing_area, value="random"),
        ]
    )
    mixes = [
        v2.MixUp(alpha=options.mixup, num_classes=classes),
        v2.CutMix(alpha=options.cutmix, num_classes=classes),
    ]
    return transform, Mixed(v2.RandomChoice(mixes)), None


def _timm(recipe: Recipe, options: Augmentation, size: int, classes: int) -> tuple[Any, Any, Any]:
    from timm.data import Mixup, create_transform

    operations, magnitude = options.rand_augment or (0, 0.0)
    transform = create_transform(
        size,
        is_training=True,
        scale=options.resized_crop,
        # "p1": its own default leaves out each operation with probability 1/2.
        auto_augment=f"rand-m{magnitude:g}-n{operations}-mstd0.5-p1",
        interpolation="bilinear",
        mean=recipe.mean,
        std=recipe.std,
        re_prob=options.random_erasing,
        re_mode="pixel",
    )
    return transform, None, Mixup(options.mixup, options.cutmix, mode="pair", num_classes=classes)

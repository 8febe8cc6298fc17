"""The same images by torchvision's transforms and PyTorch's DataLoader, for benchmarks/input_pipeline.py.

As torchvision's own reference training puts them together: each operation by Pillow on uint8, floats from the
normalisation on, MixUp and CutMix where a batch is put together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

from tformer_edge.errors import UserError
from tformer_keras.training.recipe import Recipe


@dataclasses.dataclass(frozen=True)
class Mixed:
    """A batch from its images: stacked, then mixed; in the process that made them."""

    mix: Any

    def __call__(self, images: list[Any]) -> Any:
        from torch.utils.data import default_collate

        return self.mix(*default_collate(images))


def torchvision_batches(
    data: str, recipe: Recipe, size: int, batch: int, workers: int
) -> tuple[Iterator[Any], Callable[[], None]]:
    """Batches without end, float32 (batch, 3, size, size) and shares (batch, classes); and what ends them.

    Args:
        data: a folder with `train`, of a folder a class.
        recipe: for a classifier, with a random crop, RandAugment, erasing, MixUp and CutMix.
        size: of the images, in pixels.
        batch: images of one.
        workers: processes; 0: this one.

    Raises UserError where torchvision is not installed, or the recipe is another.
    """
    try:
        import torch
        from torchvision import datasets
        from torchvision.transforms import InterpolationMode, v2
    except ImportError as error:
        raise UserError("torchvision", "none", "pip install torchvision", where="--torchvision") from error
    augmentation = recipe.augmentation
    if augmentation.resized_crop is None or augmentation.rand_augment is None or not augmentation.mixes:
        raise UserError(
            "a recipe with a random crop, RandAugment and mixes",
            recipe.name,
            "take imagenet",
            where="--torchvision",
        )
    operations, magnitude = augmentation.rand_augment
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(size, augmentation.resized_crop),
            v2.RandomHorizontalFlip(),
            # Of 30 steps, where the paper has 10; bilinear, as ours.
            v2.RandAugment(
                operations, round(magnitude * 3), interpolation=InterpolationMode.BILINEAR, fill=[128] * 3
            ),
            v2.PILToTensor(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(recipe.mean, recipe.std),
            v2.RandomErasing(augmentation.random_erasing, augmentation.erasing_area, value="random"),
        ]
    )
    torch.set_num_threads(1)  # workers have one by themselves
    images = datasets.ImageFolder(str(Path(data, "train")), transform)
    classes = len(images.classes)
    mixes = [
        v2.MixUp(alpha=augmentation.mixup, num_classes=classes),
        v2.CutMix(alpha=augmentation.cutmix, num_classes=classes),
    ]
    loader = torch.utils.data.DataLoader(
        images,
        batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        collate_fn=Mixed(v2.RandomChoice(mixes)),
    )

    def endless() -> Generator[Any, None, None]:
        while True:
            yield from loader

    stream = endless()
    return stream, stream.close

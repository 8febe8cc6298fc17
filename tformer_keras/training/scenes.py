"""The recipes `detect` and `segment`: what is sensible for a folder of boxes or masks, chosen with its reasons."""

import dataclasses
import statistics

from tformer_keras.data.dataset import Dataset
from tformer_keras.data.pixels import spaced
from tformer_keras.training.photos import REDUCED, REDUCED_FROM, SAMPLE, Choice
from tformer_keras.training.recipes import RECIPES

RECIPE_OF = {"detection": "detect", "segmentation": "segment"}
MODEL_OF = {"detection": "detector_micro", "segmentation": "segmenter_micro"}
# Pixels of an input: what two cores train in an hour or two, and a Pi computes in some ten milliseconds.
PIXELS = 240 * 320
MULTIPLE, SMALLEST = 32, 96
STEPS = 4_000
FEWEST_EPOCHS, MOST_EPOCHS = 12, 150


def choose_scenes(dataset: Dataset, batch_size: int | None = None) -> Choice:
    """Chooses for a data set of boxes or masks; the same data give the same choice.

    Args:
        dataset: of detection or segmentation.
        batch_size: the user's own, by which the epochs are counted; None: the recipe's.
    """
    recipe = RECIPES[RECIPE_OF[dataset.task]]
    train = dataset.train
    sizes = [train.annotation(index).size for index in spaced(len(train), SAMPLE)]
    height, width = (int(statistics.median(size[axis] for size in sizes)) for axis in (0, 1))
    size = input_size(height, width)
    batch = batch_size or recipe.batch_size
    steps = max(1, len(train) // batch)
    reduced = height >= REDUCED_FROM * size[0] and width >= REDUCED_FROM * size[1]
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(STEPS / steps)))
    recipe = dataclasses.replace(
        recipe,
        input_size=size,
        epochs=epochs,
        batch_size=batch,
        warmup_epochs=min(2.0, epochs / 20),
        evaluate_every=max(1, epochs // 10),
        augmentation=dataclasses.replace(
            recipe.augmentation, horizontal_flip=dataset.mirrored, reduced_decoding=reduced
        ),
    )
    least, greatest = recipe.augmentation.zoom_crop or (1.0, 1.0)
    flips = "flips" if dataset.mirrored else "no flips (a mirrored digit is another one)"
    model = MODEL_OF[dataset.task]
    reasons = (
        f"input {size[0]}x{size[1]}: the pictures are about {height}x{width} pixels (--input-size)",
        f"{model}: what two cores can train and small devices run (--model)",
        f"{epochs} epochs of {steps:,} batches of {batch}: about {STEPS:,} steps (--epochs, --batch-size)",
        f"{flips}, zooms of {least:g} to {greatest:g} and colour (--set augmentation.FIELD=...)",
        *([REDUCED] if reduced else []),
    )
    return Choice(model, recipe, reasons)


def input_size(height: int, width: int) -> tuple[int, int]:
    """About `PIXELS` in the shape of such pictures, in multiples of 32, and no larger than they are."""
    scale = min(1.0, (PIXELS / (height * width)) ** 0.5)
    sides = (max(SMALLEST, round(side * scale / MULTIPLE) * MULTIPLE) for side in (height, width))
    return next(sides), next(sides)

"""The recipe `photos`: what is sensible for a folder of pictures, chosen from the folder and said with its reasons."""

import dataclasses
import json
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tformer_keras.data.augmentation import Augmentation
from tformer_keras.data.dataset import Dataset
from tformer_keras.data.pixels import spaced
from tformer_keras.training.recipe import Recipe
from tformer_keras.training.recipes import RECIPES
from tformer_keras.training.run_folder import begun

# Pictures whose sizes are looked at, evenly spaced.
SAMPLE = 200
# Shorter sides up to this one are those of thumbnails such as CIFAR-10's, which 32 stands for.
TINY = 48
SMALLEST, LARGEST, MULTIPLE = 96, 224, 32
# Updates that a run should make: enough to learn from few pictures, and no more than a night of two cores for many.
STEPS = 6_000
FEWEST_EPOCHS, MOST_EPOCHS = 10, 200
# Pictures of so many times the input's sides: most random crops can be decoded at a half of their size or less.
REDUCED_FROM = 4
REDUCED = (
    "JPEGs are decoded at a part of their size where a crop is no smaller than the input then: they are large "
    "(--set augmentation.reduced_decoding=False)"
)
# Training pictures from which on a model is worth its width.
WIDER, WIDEST = 20_000, 200_000


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a folder.

    Attributes:
        images: for training.
        classes: of them.
        side: the median of the pictures' shorter sides, in pixels.
    """

    images: int
    classes: int
    side: int


@dataclasses.dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes:
        model: a key of `VARIANTS`.
        recipe: with input size, epochs, batch size, augmentation and the model's arguments.
        reasons: one line a choice, each with the option that overrides it.
    """

    model: str
    recipe: Recipe
    reasons: tuple[str, ...]


def facts_of(dataset: Dataset) -> Facts:
    """Looks at a data set, and decodes `SAMPLE` of its pictures."""
    train = dataset.train
    with ThreadPoolExecutor(2) as pool:
        shapes = list(pool.map(lambda index: train.pixels(index).shape, spaced(len(train), SAMPLE)))
    side = int(statistics.median(min(height, width) for height, width, _ in shapes))
    return Facts(len(train), len(dataset.class_names), side)


def choose_photos(facts: Facts, batch_size: int | None = None) -> Choice:
    """Chooses for a folder; the same facts give the same choice.

    Args:
        facts: of the folder.
        batch_size: the user's own, by which the epochs are counted; None: chosen too.
    """
    tiny = facts.side <= TINY
    side = 32 if tiny else min(LARGEST, max(SMALLEST, round(facts.side / MULTIPLE) * MULTIPLE))
    batch = batch_size or (32 if facts.images < 2_000 else 64 if facts.images < 20_000 else 128)
    steps = max(1, facts.images // batch)
    epochs = min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(STEPS / steps)))
    model = "tformer_micro" if tiny or facts.images < WIDEST else "tformer_s"
    # A short schedule has no time to grow LayerScale from 1e-5.
    arguments: dict[str, Any] = {"layer_scale": None}
    shape = "its own width"
    if tiny:
        arguments, shape = dict(RECIPES["cifar10"].model_arguments), "CIFAR-10's shape"
    elif model == "tformer_micro":
        arguments["width"] = 0.5 if facts.images >= WIDER else 0.25
        shape = f"width {arguments['width']:g}"
    augmentation = Augmentation(
        horizontal_flip=True,
        shift=3 if tiny else 0,
        border="reflect",
        resized_crop=None if tiny else (0.35, 1.0),
        random_erasing=0.1,
        erasing_area=(0.02, 0.2),
        reduced_decoding=not tiny and facts.side >= REDUCED_FROM * side,
    )
    recipe = dataclasses.replace(
        RECIPES["photos"],
        input_size=(side, side),
        epochs=epochs,
        batch_size=batch,
        warmup_epochs=min(2.0, epochs / 10),
        evaluate_every=max(1, epochs // 10),
        augmentation=augmentation,
        model_arguments=arguments,
    )
    moves = "flips and shifts" if tiny else "flips, random crops of 35 to 100 %"
    reasons = (
        f"input {side}x{side}: the pictures' shorter sides are about {facts.side} pixels (--input-size)",
        f"{model} in {shape}: there are {facts.images:,} training pictures (--model, --model-set)",
        f"{epochs} epochs of {steps:,} batches of {batch}: about {STEPS:,} steps (--epochs, --batch-size)",
        f"{moves} and light erasing: what natural pictures allow (--set augmentation.FIELD=...)",
        *([REDUCED] if augmentation.reduced_decoding else []),
    )
    return Choice(model, recipe, reasons)


def as_begun(choice: Choice, out: Path) -> Choice:
    """What was chosen, without what a run in `out` that was begun did not choose: `reduced_decoding` is younger than
    some runs, and they go on with the same batches."""
    if not (choice.recipe.augmentation.reduced_decoding and begun(out)):
        return choice
    try:
        before = json.loads((out / "config.json").read_text(encoding="utf-8"))["run"]["recipe"][
            "augmentation"
        ]
        if before.get("reduced_decoding", False):
            return choice
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return choice  # no run of a recipe; `check_folder` says so
    augmentation = dataclasses.replace(choice.recipe.augmentation, reduced_decoding=False)
    return dataclasses.replace(
        choice,
        recipe=dataclasses.replace(choice.recipe, augmentation=augmentation),
        reasons=tuple(reason for reason in choice.reasons if reason != REDUCED),
    )

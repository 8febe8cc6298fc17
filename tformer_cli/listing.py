"""`tformer list`: the models, recipes and shipped weights that there are."""

import argparse
import dataclasses

EPILOG = """examples:
  tformer list
  tformer list --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(args: argparse.Namespace) -> int:
    """Prints the three tables."""
    from tformer_cli.console import Output
    from tformer_keras.models import VARIANTS
    from tformer_keras.models.weights import SHIPPED
    from tformer_keras.training.recipe import RECIPES, plain

    output = Output(args.json)
    output.say("models (--model)")
    for name, config in VARIANTS.items():
        height, width, _ = config.input_shape
        widths = ", ".join(str(config.scaled(channels)) for channels in config.widths)
        output.say(
            f"  {name:<16} depths {', '.join(map(str, config.depths))}; widths {widths}; input {height}x{width}"
        )
    output.say("recipes (--recipe)")
    for name, recipe in RECIPES.items():
        size = "the model's" if recipe.input_size is None else "x".join(map(str, recipe.input_size))
        output.say(
            f"  {name:<16} {recipe.epochs} epochs, batch {recipe.batch_size}, "
            f"learning rate {recipe.learning_rate:g}, input {size}"
        )
    output.say("shipped weights (weights=)")
    for name, entry in SHIPPED.items():
        output.say(f"  {name:<16} {entry.variant}, {entry.file}")
    if not SHIPPED:
        output.say("  none")
    output.result(
        {
            "models": {name: plain(dataclasses.asdict(config)) for name, config in VARIANTS.items()},
            "recipes": {name: recipe.to_json() for name, recipe in RECIPES.items()},
            "weights": {name: plain(dataclasses.asdict(entry)) for name, entry in SHIPPED.items()},
        }
    )
    return 0

"""`tformer list`: the models, recipes and shipped weights that there are."""

import argparse
import json
from pathlib import Path

EPILOG = """examples:
  tformer list
  tformer list --json"""

NEEDS_KERAS = False
# Written by tools/make_catalogue.py; a test holds it to the tables that it is made from.
CATALOGUE = Path(__file__).with_name("catalogue.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No options of its own."""


def run(args: argparse.Namespace) -> int:
    """Prints the three tables."""
    from tformer_cli.console import Output

    output = Output(args.json)
    catalogue = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    output.say("models (--model)")
    for name, model in catalogue["models"].items():
        height, width, _ = model["input_shape"]
        depths, widths = (", ".join(map(str, model[field])) for field in ("depths", "scaled_widths"))
        output.say(
            f"  {name:<22} {model['task']:<14} depths {depths}; widths {widths}; input {height}x{width}"
        )
    output.say("recipes (--recipe)")
    for name, recipe in catalogue["recipes"].items():
        size = "the model's" if recipe["input_size"] is None else "x".join(map(str, recipe["input_size"]))
        output.say(
            f"  {name:<22} {recipe['epochs']} epochs, batch {recipe['batch_size']}, "
            f"learning rate {recipe['learning_rate']:g}, input {size}"
        )
    output.say("shipped weights (weights=)")
    for name, weights in catalogue["weights"].items():
        kinds = "float and int8" if weights["quantized"] else "float"
        output.say(f"  {name:<22} {weights['variant']}, {kinds}")
    output.result(catalogue)
    return 0

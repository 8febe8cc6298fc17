"""Writes tformer_cli/catalogue.json, what `tformer list` prints: `python -m tools.make_catalogue`.

`tformer list` must not wait for Keras, which everything that knows the models and recipes imports.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

from tformer_edge.files import write_whole
from tformer_keras.models import TFormerConfig
from tformer_keras.models.families import CONFIGS, task_of_config
from tformer_keras.models.weights import SHIPPED
from tformer_keras.training.recipe import plain
from tformer_keras.training.recipes import RECIPES

PATH = Path(__file__).parents[1] / "tformer_cli" / "catalogue.json"


def catalogue() -> dict[str, Any]:
    """Models, recipes and shipped weights by name, as plain data."""
    models = {}
    for name, config in CONFIGS.items():
        backbone = config if isinstance(config, TFormerConfig) else config.backbone
        models[name] = {
            **plain(dataclasses.asdict(config)),
            "task": task_of_config(config),
            "depths": list(backbone.depths),
            "input_shape": list(backbone.input_shape),
            "scaled_widths": [backbone.scaled(width) for width in backbone.widths],
        }
    weights = {
        name: {"variant": model.variant, "quantized": model.quantized is not None, **model.config["model"]}
        for name, model in SHIPPED.items()
    }
    recipes = {name: recipe.to_json() for name, recipe in RECIPES.items()}
    return {"models": models, "recipes": recipes, "weights": weights}


def text() -> str:
    """The file's content."""
    return json.dumps(catalogue(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_whole(PATH, text().encode())

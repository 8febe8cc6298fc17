"""`tformer predict`: names what is in images."""

import argparse
from pathlib import Path
from typing import Any

from tformer_cli import model_options
from tformer_edge.errors import UserError

EPILOG = """examples:
  tformer predict photo.jpg --model runs/photos
  tformer predict photos/test/cat/*.jpg --model runs/photos --top 1 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    model_options.add_arguments(parser)
    parser.add_argument(
        "--top", type=int, default=3, metavar="N", help="classes to name for each image (default: 3)"
    )
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="go on without images that cannot be read"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the best classes of each image; 1 when an unreadable one was skipped."""
    import numpy as np

    from tformer_cli.console import Output
    from tformer_edge.images import open_image
    from tformer_keras.tasks.classification import best_classes, probabilities
    from tformer_keras.training.saved_model import load_trained

    output = Output(args.json)
    if args.top < 1:
        raise UserError("at least 1", str(args.top), "3 is the usual number", where="--top")
    trained = load_trained(args)
    model: Any = trained.model
    if trained.quantized is not None:
        from tformer_keras.deploy.int8.quantized_model import load_quantized

        model = load_quantized(trained.model, trained.quantized).model
    results = []
    skipped = []
    for path in args.images:
        try:
            image = trained.preprocessing(open_image(Path(path)))
        except UserError as error:
            if not args.skip_unreadable:
                raise
            output.say(f"skipped {path}: {error}")
            skipped.append(str(path))
            continue
        # One image at a time: memory stays small whatever the number of files, and one shape is compiled once.
        outputs = np.asarray(model.predict_on_batch(image[np.newaxis]))
        best = best_classes(probabilities(trained.model, outputs)[0], trained.class_names, args.top)
        output.say(f"{path}: " + ", ".join(f"{name} {100 * share:.1f} %" for name, share in best))
        results.append(
            {"image": str(path), "classes": [{"class": name, "probability": share} for name, share in best]}
        )
    output.result({"model": str(trained.path), "images": results, "skipped": skipped})
    return 1 if skipped else 0

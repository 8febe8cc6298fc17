"""`tformer predict`: names what is in images."""

import argparse
from pathlib import Path

from tformer_edge.errors import UserError
from tformer_keras.commands import model_options

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

    from tformer_edge.images import open_image
    from tformer_keras.commands.console import Output
    from tformer_keras.commands.trained import load_trained
    from tformer_keras.tasks.classification import best_classes, probabilities

    output = Output(args.json)
    if args.top < 1:
        raise UserError(f"--top: expected at least 1, received {args.top}")
    trained = load_trained(args)
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
        outputs = trained.outputs(image[np.newaxis])
        best = best_classes(probabilities(trained.model, outputs)[0], trained.class_names, args.top)
        output.say(f"{path}: " + ", ".join(f"{name} {100 * share:.1f} %" for name, share in best))
        results.append(
            {"image": str(path), "classes": [{"class": name, "probability": share} for name, share in best]}
        )
    output.result({"model": str(trained.path), "images": results, "skipped": skipped})
    return 1 if skipped else 0

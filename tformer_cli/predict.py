"""`tformer predict`: names what is in images."""

import argparse
from pathlib import Path

from tformer_cli import model_options
from tformer_edge.errors import UserError
from tformer_edge.tasks import OPTIONS

EPILOG = """examples:
  tformer predict photo.jpg --model runs/photos
  tformer predict photos/test/cat/*.jpg --model runs/photos --top 1 --json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    model_options.add_arguments(parser)
    for options in OPTIONS.values():
        options.add_arguments(parser)
    parser.add_argument(
        "--skip-unreadable", action="store_true", help="go on without images that cannot be read"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the answer for each image; 1 when an unreadable one was skipped."""
    import numpy as np

    from tformer_cli.console import Output
    from tformer_edge.images import open_image
    from tformer_edge.runner import TensorInfo
    from tformer_edge.tasks import find_task
    from tformer_keras.training.forward import finite, forward
    from tformer_keras.training.saved_model import need_tensorflow, open_model

    output = Output(args.json)
    trained = open_model(args.model, model_options.bare_preprocessing(args))
    task = find_task(trained.task.name)
    options = OPTIONS[task.name].options(args)
    if trained.means_quantized and trained.quantized is not None:
        from tformer_keras.deploy.int8.quantized_forward import quantized_forward
        from tformer_keras.deploy.int8.quantized_model import load_quantized

        need_tensorflow("a quantized model")
        run = quantized_forward(load_quantized(trained.model, trained.quantized))
    else:
        run = forward(trained.model)
    run = finite(run, trained.name)
    outputs_mean = trained.outputs_mean()
    results = []
    skipped = []
    for path in args.images:
        try:
            picture = open_image(Path(path))
        except UserError as error:
            if not args.skip_unreadable:
                raise
            output.say(f"skipped {path}: {error}")
            skipped.append(str(path))
            continue
        image = trained.preprocessing(picture)
        frame = trained.preprocessing.frame((picture.shape[0], picture.shape[1]))
        # One image at a time: memory stays small whatever the number of files, and one shape is compiled once.
        values = [part[0] for part in run(np.asarray(image)[np.newaxis])]
        infos = [TensorInfo(part.shape, part.dtype.name) for part in values]
        answer = task.answer(values, infos, outputs_mean, frame, options)
        output.say(f"{path}: {answer.line()}")
        results.append({"image": str(path), **answer.to_json()})
    output.result({"model": str(trained.path), "images": results, "skipped": skipped})
    return 1 if skipped else 0

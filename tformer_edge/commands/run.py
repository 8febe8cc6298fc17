"""Says what is in images: labels, boxes or the class of each pixel, whatever the model is for.

An image that cannot be read is named on standard error, the others go on, and the exit code is 2.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tformer_edge.commands.answers import print_answer
from tformer_edge.commands.drawing import Drawing, add_draw_argument
from tformer_edge.commands.model_options import (
    add_answer_arguments,
    add_hand_arguments,
    add_model_arguments,
    asked_of,
    open_model,
)
from tformer_edge.errors import UserError
from tformer_edge.image_files import LeftOut, folder_images
from tformer_edge.images import SUFFIXES, ImageError
from tformer_edge.printable import printable

EPILOG = """examples:
  tformer-edge run model.tflite photo.jpg
  tformer-edge run model.tflite photos/ --top 1 --json
  tformer-edge run cells.tflite smear.jpg --score-threshold 0.4 --draw found.png
  curl -s https://example.org/a.jpg | tformer-edge run model.tflite -"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="a file, a folder of them, or - for standard input"
    )
    add_draw_argument(parser)
    add_answer_arguments(parser)
    add_hand_arguments(parser)


def run(args: argparse.Namespace) -> int:
    unread = count = 0
    drawing = Drawing(args.draw)
    with open_model(args) as model:
        asked = asked_of(model, args)
        for name, source in _sources(args.images):
            started = time.perf_counter()
            try:
                answer = model.predict(source, **asked)
            except ImageError as error:
                print(f"tformer-edge: {printable(str(error))}", file=sys.stderr)
                unread += 1
                continue
            count += 1
            print_answer("image", name, answer, 1e3 * (time.perf_counter() - started), args.json)
            drawing.draw(source, name, answer)
    if unread:
        raise UserError(
            "readable images",
            f"{unread} of {unread + count} that are not (named above)",
            "replace them or leave them out",
        )
    return 0


def _sources(arguments: list[str]) -> Iterator[tuple[str, Path | bytes]]:
    """(name, path or bytes) of each image; a folder's in the order of their names, as they are asked for."""
    for argument in arguments:
        if argument == "-":
            yield "-", sys.stdin.buffer.read()
        elif os.path.isdir(argument):
            left_out = LeftOut()
            paths = folder_images(Path(argument), left_out)
            if left_out:
                print(f"tformer-edge: {printable(argument)}: {left_out.line()}", file=sys.stderr)
            if not paths:
                raise UserError(
                    f"images in {argument}",
                    f"none of the files {' '.join(sorted(SUFFIXES))}",
                    "give another folder",
                )
            for path in paths:
                yield str(path), path
        else:
            yield argument, Path(argument)

"""Names what is in images as they appear in a folder, until Ctrl-C.

A file is read once its size and time have stood still for half a second; one that is replaced under the same name is
read again. An image that cannot be read is named on standard error, and the others go on. Files whose names begin with
a dot are left alone, and so are subfolders.
"""

import argparse
import sys
import time

from tformer_edge.commands.answers import print_answer
from tformer_edge.commands.drawing import Drawing, add_draw_argument
from tformer_edge.commands.model_options import (
    add_answer_arguments,
    add_hand_arguments,
    add_model_arguments,
    asked_of,
    open_model,
)
from tformer_edge.commands.numbers import positive_int, positive_seconds
from tformer_edge.folder_watch import FolderWatch
from tformer_edge.images import ImageError
from tformer_edge.printable import printable

EPILOG = """examples:
  tformer-edge watch model.tflite inbox/
  tformer-edge watch model.tflite inbox/ --existing --json >> answers.jsonl
  tformer-edge watch model.tflite inbox/ --once"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)
    parser.add_argument("folder", metavar="FOLDER", help="where images appear")
    parser.add_argument(
        "--interval",
        type=positive_seconds,
        default=0.5,
        metavar="S",
        help="seconds between two looks (default: 0.5)",
    )
    parser.add_argument(
        "--existing", action="store_true", help="begin with the images that are there already"
    )
    stop = parser.add_mutually_exclusive_group()
    stop.add_argument(
        "--count", type=positive_int, metavar="N", help="stop after N images, bad ones included"
    )
    stop.add_argument("--once", dest="count", action="store_const", const=1, help="stop after one image")
    add_draw_argument(parser)
    add_answer_arguments(parser)
    add_hand_arguments(parser)


def run(args: argparse.Namespace) -> int:
    count = unread = 0
    drawing = Drawing(args.draw)
    with open_model(args) as model:
        asked = asked_of(model, args)
        watch = FolderWatch(args.folder, args.existing)
        print(f"tformer-edge: watching {args.folder}; Ctrl-C ends it", file=sys.stderr, flush=True)
        try:
            for path in watch.images(args.interval):
                count += 1  # before it is told: Ctrl-C may come right after
                started = time.perf_counter()
                try:
                    answer = model.predict(path, **asked)
                    milliseconds = 1e3 * (time.perf_counter() - started)
                    print_answer("image", str(path), answer, milliseconds, args.json)
                    drawing.draw(path, str(path), answer)
                except ImageError as error:
                    unread += 1
                    print(f"tformer-edge: {printable(str(error))}", file=sys.stderr, flush=True)
                if count == args.count:
                    break
        finally:
            print(f"tformer-edge: images: {count}, not readable: {unread}", file=sys.stderr)
    return 0

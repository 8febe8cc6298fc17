"""Names what a camera sees, picture after picture, until Ctrl-C.

Needs picamera2 (a Raspberry Pi's own cameras) or OpenCV (USB cameras and video files).
"""

import argparse
import sys
import time

from tformer_edge.cameras import SOURCES, open_camera
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

EPILOG = """examples:
  tformer-edge camera model.tflite
  tformer-edge camera model.tflite --interval 5 --json
  tformer-edge camera cells.tflite --draw now.jpg
  tformer-edge camera model.tflite --source opencv --device 1 --count 10
  tformer-edge camera model.tflite --device film.mp4"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_arguments(parser)
    parser.add_argument(
        "--source", choices=SOURCES, default="auto", help="the library (default: the first that has a camera)"
    )
    parser.add_argument(
        "--device", default="0", metavar="N", help="the camera's number, or a video file (default: 0)"
    )
    parser.add_argument(
        "--interval",
        type=positive_seconds,
        metavar="S",
        help="seconds from picture to picture (default: none)",
    )
    parser.add_argument("--count", type=positive_int, metavar="N", help="stop after N pictures")
    add_draw_argument(parser)
    add_answer_arguments(parser)
    add_hand_arguments(parser)


def run(args: argparse.Namespace) -> int:
    frames = 0
    drawing = Drawing(args.draw)
    with open_model(args) as model:
        asked = asked_of(model, args)
        camera = open_camera(args.source, args.device)
        print(f"tformer-edge: {camera.name}; Ctrl-C ends it", file=sys.stderr, flush=True)
        try:
            while args.count is None or frames < args.count:
                began = time.perf_counter()
                frame = camera.read()
                if frame is None:
                    break
                started = time.perf_counter()
                answer = model.predict(frame, **asked)
                ended = time.perf_counter()
                frames += 1
                print_answer("frame", frames, answer, 1e3 * (ended - started), args.json)
                drawing.draw(frame, f"frame{frames:06}", answer)
                if args.interval is not None and frames != args.count:
                    time.sleep(max(0.0, args.interval - (ended - began)))
        finally:
            camera.close()
            print(f"tformer-edge: pictures: {frames}", file=sys.stderr)
    return 0

"""Top-1 of a classifier's int8 file in another program, and how often it answers as LiteRT (docs/interoperability.md).

    pip install . openvino            # in an environment of its own; MediaPipe: pip install '.[interop]'
    python benchmarks/interoperability.py model.tflite CIFAR10/test --program openvino

IMAGES is a folder with a folder for each label. They should have the input's size: programs resize by their own rules.
"""

import argparse
import atexit
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import tformer_edge
from tformer_edge.contract import ModelFile, read_model_file
from tformer_edge.quantized_input import input_table, quantize_pixels

Program = Callable[[NDArray[np.uint8], NDArray[Any]], NDArray[Any]]


def openvino(path: Path, file: ModelFile) -> Program:
    """(pixels, input tensor) → the output tensor."""
    import openvino

    print(f"openvino {openvino.__version__}")
    compiled = openvino.compile_model(path, "CPU")
    return lambda pixels, tensor: compiled([tensor])[0]


def mediapipe(path: Path, file: ModelFile) -> Program:
    """The same; needs a file of `tformer convert --for mediapipe`."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    print(f"mediapipe {mediapipe.__version__}")
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=str(path)))
    classifier = vision.ImageClassifier.create_from_options(options)
    atexit.register(classifier.close)  # else it complains while Python ends

    def run(pixels: NDArray[np.uint8], tensor: NDArray[Any]) -> NDArray[Any]:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(pixels))
        scores = np.zeros((1, len(file.labels)))
        for category in classifier.classify(image).classifications[0].categories:
            assert category.category_name == file.labels[category.index]
            scores[0, category.index] = category.score
        return scores

    return run


PROGRAMS: dict[str, Callable[[Path, ModelFile], Program]] = {"openvino": openvino, "mediapipe": mediapipe}


def main() -> int:
    """Prints one line of figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--program", choices=sorted(PROGRAMS), required=True)
    parser.add_argument("--limit", type=int, help="images, evenly spaced (default: all)")
    args = parser.parse_args()
    file = read_model_file(args.model)
    assert file.contract is not None
    paths = sorted(path for path in args.images.glob("*/*") if path.suffix.lower() in (".jpg", ".png"))
    paths = paths[:: max(1, len(paths) // args.limit)][: args.limit] if args.limit else paths
    program = PROGRAMS[args.program](args.model, file)
    right = ours = same = 0
    largest = 0.0
    with tformer_edge.Model(args.model) as model:
        (info,) = model.outputs
        image = file.contract.image
        table = input_table(image, model.input.scale, model.input.zero_point, file.contract.input_type)  # type: ignore[arg-type]
        for path in paths:
            pixels = image.pixels(Image.open(path).convert("RGB"))
            tensor = quantize_pixels(pixels[None], table)
            expected, received = info.dequantize(model.run(tensor)[0]), program(pixels, tensor)
            if received.dtype == info.type:
                received = info.dequantize(received)
            largest = max(largest, float(np.abs(expected - received).max()) / info.scale)
            label = file.labels.index(path.parent.name)
            right += int(np.argmax(received)) == label
            ours += int(np.argmax(expected)) == label
            same += int(np.argmax(expected)) == int(np.argmax(received))
    count = len(paths)
    print(
        f"{count} images: top-1 {100 * right / count:.2f} % in {args.program}, {100 * ours / count:.2f} % in LiteRT; "
        f"same answer on {100 * same / count:.2f} %; outputs at most {largest:g} steps apart"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

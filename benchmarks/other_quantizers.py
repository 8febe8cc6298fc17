"""Our float32 file of a classifier, quantized by Google's own packages: top-1 in LiteRT, bytes, XNNPACK's partitions.

    tformer convert tformer_micro_cifar10_large --float --out float.tflite
    pip install . litert-quantizer                     # or ai-edge-quantizer; in an environment of its own
    python benchmarks/other_quantizers.py float.tflite CIFAR10 --program litert_quantizer

DATA has train/LABEL/ and test/LABEL/. Both packages get 500 training images and their recipe of int8 weights and
activations (docs/interoperability.md).
"""

import argparse
import importlib
import importlib.metadata
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.updates import spaced
from tformer_edge.command_line import guarded
from tformer_edge.contract import ModelFile, read_model_file
from tformer_edge.errors import UserError
from tformer_edge.process_runner import ProcessRunner

PROGRAMS = ("ai_edge_quantizer", "litert_quantizer")
CALIBRATION = 500


def normalised(file: ModelFile, folder: Path, count: int | None) -> tuple[NDArray[np.float32], list[str]]:
    """(images as the file's float32 input takes them, the names of their folders); `count` of them, evenly spaced."""
    assert file.contract is not None
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in (".jpg", ".png"))
    if not paths:
        raise UserError(f"pictures in {folder}/LABEL/", "none", "give a folder of them")
    paths = spaced(paths, count) if count else paths
    image = file.contract.image
    pixels = np.stack([image.pixels(Image.open(path).convert("RGB")) for path in paths])
    return image.normalise(pixels), [path.parent.name for path in paths]


def quantized(program: str, flatbuffer: bytes, images: NDArray[np.float32]) -> bytes:
    """By the package's static recipe of int8 weights and activations."""
    quantizer = importlib.import_module(f"{program}.quantizer")
    recipe = importlib.import_module(f"{program}.recipe")
    signatures = Interpreter(model_content=flatbuffer).get_signature_list()
    if not signatures:
        raise UserError("a file with a signature", "one without", "convert it with --names full")
    ((key, names),) = signatures.items()
    own = quantizer.Quantizer(flatbuffer)
    own.load_quantization_recipe(recipe.static_wi8_ai8())
    ranges = own.calibrate({key: [{names["inputs"][0]: image[None]} for image in images]})
    return bytes(own.quantize(ranges).quantized_model)


def top1(
    flatbuffer: bytes, images: NDArray[np.float32], names: list[str], labels: tuple[str, ...]
) -> tuple[float, int]:
    """(percent of the images whose best score is their name's, partitions that XNNPACK computes)."""
    runner = ProcessRunner(flatbuffer, "xnnpack", 1, False)
    right = 0
    for image, name in zip(images, names, strict=True):
        tensor = image[None]
        if runner.input.type == "int8":
            steps = np.rint(tensor / runner.input.scale) + runner.input.zero_point
            tensor = np.clip(steps, -128, 127).astype(np.int8)
        right += labels[int(np.argmax(runner.run(tensor)[0]))] == name
    partitions = runner.delegation().partitions
    runner.close()
    return 100 * right / len(images), partitions


def run(arguments: argparse.Namespace) -> int:
    try:
        version = importlib.metadata.version(arguments.program.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        raise UserError(arguments.program, "none", "pip install it in an environment of its own") from None
    file = read_model_file(arguments.model.read_bytes())
    if file.contract is None or file.contract.input_type != "float32":
        raise UserError(
            "a float32 file with a contract", str(arguments.model), "make it by tformer convert --float"
        )
    calibration, _ = normalised(file, arguments.data / "train", CALIBRATION)
    images, names = normalised(file, arguments.data / "test", None)
    made = quantized(arguments.program, file.flatbuffer, calibration)
    score, partitions = top1(made, images, names, file.labels)
    print(
        f"{arguments.program} {version}: top-1 {score:.2f} % of {len(images)} images, {len(made):,} bytes, "
        f"{partitions} partitions of XNNPACK"
    )
    return 0


def main() -> int:
    """Prints one line of figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a classifier's file of tformer convert --float")
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--program", choices=PROGRAMS, required=True)
    return guarded("other_quantizers", lambda: run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())

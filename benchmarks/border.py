"""What raw pixels and scores at a file's border cost and change.

python benchmarks/border.py                  # at 224×224: each operation alone, and tformer_edge's lookup
python benchmarks/border.py CIFAR10          # the shipped model's top-1 with each border; --images 500 for fewer
"""

from __future__ import annotations

import argparse
import sys
import time
import timeit

import numpy as np

from tformer_edge.command_line import guarded
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.quantized_input import QuantizedType, input_table, quantize_pixels

MODEL = "tformer_micro_cifar10"
BORDERS: dict[str, dict[str, object]] = {
    "int8": {"io": "int8"},
    "uint8": {"io": "uint8"},
    "pixels-int8": {"io": "pixels-int8"},
    "pixels": {"io": "pixels"},
    "pixels, exact": {"io": "pixels", "exact": True},
    "int8, scores": {"io": "int8", "output": "scores"},
    "pixels, scores": {"io": "pixels", "output": "scores"},
}
CLASSES = 1000
ROUNDS = 6


def lookups(side: int, repeats: int = 25) -> dict[str, float]:
    """Milliseconds of CPU to make the input tensor of a square picture's pixels, normalised and raw, by type."""
    pixels = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    images = {
        "normalised": Preprocessing((side, side)),
        "pixels": Preprocessing((side, side), encoding="pixels"),
    }

    def shortest(statement: object) -> float:
        times = timeit.repeat(statement, timer=time.process_time, number=20, repeat=repeats)  # type: ignore[arg-type]
        return 1000 * min(times) / 20

    found = {}
    kinds: tuple[QuantizedType, ...] = ("int8", "uint8")
    for what, image in images.items():
        for kind in kinds:
            table = input_table(image, 0.0187, -14 if kind == "int8" else 114, kind)
            found[f"{kind}, {what}"] = shortest(lambda table=table: quantize_pixels(pixels, table))
        found[f"float32, {what}"] = shortest(lambda image=image: image.normalise(pixels))
    return found


def operations(side: int) -> dict[str, dict[str, float]]:
    """Of each target and kind: bytes that the normalisation in front adds, and milliseconds of the border's operations,
    the shortest median of `ROUNDS`, of a convolution of a square picture and `CLASSES` scores."""
    import keras
    from keras import layers

    from tformer_edge.tasks.outputs_mean import OutputsMean
    from tformer_keras.data.pixels import synthetic_pixels
    from tformer_keras.deploy.border import with_border
    from tformer_keras.deploy.compare.border_cost import border_costs
    from tformer_keras.deploy.conversion import convert
    from tformer_keras.deploy.graph.lower import Lowered, lower
    from tformer_keras.deploy.int8.calibration import calibrate
    from tformer_keras.deploy.int8.quantized_model import QuantizedModel, quantize_aware

    image, means = Preprocessing((side, side)), OutputsMean(tuple(map(str, range(CLASSES))), "logits")
    inputs = layers.Input((side, side, 3))
    x = layers.Conv2D(8, 7, 4, padding="same", activation="relu")(inputs)
    model = keras.Model(inputs, layers.Dense(CLASSES)(layers.GlobalAveragePooling2D()(x)))
    found = {}
    for name, target, kind in (
        ("int8, litert", "litert", "int8"),
        ("int8, micro", "micro", "int8"),
        ("float, litert", "litert", "float"),
    ):
        source: Lowered | QuantizedModel = lower(model, target)
        if kind == "int8":
            source = quantize_aware(model, target)
            calibrate(source, synthetic_pixels(4, (side, side)), image)
        border = with_border(source, "classification", image, means, kind, "pixels", "scores", exact=True)
        made, plain = convert(border.source, kind, border.io), convert(source, kind, border.io)
        rounds = [border_costs(made.flatbuffer, made.file, True, True) for _ in range(ROUNDS)]
        costs = {what: min(one[what] for one in rounds) for what in rounds[0]}
        found[name] = {"bytes": len(made.flatbuffer) - len(plain.flatbuffer), **costs}
    return found


def accuracies(data: str, images: int | None) -> None:
    """Prints each border's file size, top-1 and how often it answers as the first."""
    from tformer_keras.data.load import load_dataset
    from tformer_keras.data.pixels import spaced, split_pixels
    from tformer_keras.deploy import ConversionOptions, convert_model
    from tformer_keras.deploy.tflite.interpreter import LiteRT

    test = load_dataset(data, seed=0).test
    indices = spaced(len(test), images or len(test))
    truth = np.array([test.annotation(index) for index in indices])
    pixels, first = None, None
    for name, options in BORDERS.items():
        file, _ = convert_model(MODEL, ConversionOptions(verify=False, **options))  # type: ignore[arg-type]
        assert file.contract is not None
        if pixels is None:
            pixels = split_pixels(test, file.contract.image, indices)
        litert = LiteRT(file.flatbuffer)
        answers = litert.run_all(litert.input_of(pixels, file.contract.image))[0].argmax(axis=1)
        first = answers if first is None else first
        print(
            f"{name:<16}{len(file.to_bytes()):>9,} bytes, top-1 {100 * np.mean(answers == truth):.2f} %, "
            f"as the first {100 * np.mean(answers == first):.2f} % of {len(truth):,}",
            flush=True,
        )


def main() -> int:
    """Prints one of the two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "data", nargs="?", metavar="CIFAR10", help="labelled images of the shipped model's classes"
    )
    parser.add_argument("--images", type=int, metavar="N", help="of these (default: all)")
    parser.add_argument("--side", type=int, default=224, metavar="N", help="of the picture (default: 224)")
    return guarded("border", lambda: run(parser.parse_args()))


def run(args: argparse.Namespace) -> int:
    """What the arguments ask for."""
    if args.data:
        accuracies(args.data, args.images)
        return 0
    for what, cost in lookups(args.side).items():
        print(f"lookup, {what}: {cost:.4f} ms")
    for name, costs in operations(args.side).items():
        print(f"{name}: " + ", ".join(f"{what} {cost:g}" for what, cost in costs.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

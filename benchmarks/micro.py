"""What models take in TensorFlow Lite Micro: flash, arena, operations and MACs, in one table; and are the bits right?

Each model is made here, calibrated on the same images, and run in TFLite Micro's interpreter and in LiteRT's reference
kernels on at least 200 real images: a row says how many outputs are equal to the bit.

  python benchmarks/micro.py                                   crops of scikit-learn's photographs
  python benchmarks/micro.py --images CIFAR10/test --count 400
  python benchmarks/micro.py --only cifar10 --save build/micro
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.peers import randomise
from benchmarks.provenance import provenance
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.quantized_input import input_table, quantize_pixels

CALIBRATION = 32
# MLPerf Tiny, models of the closed division (Banbury et al., 2021, Table 1).
BUDGETS = {"visual wake words": 325_000, "image classification": 96_000}


@dataclasses.dataclass(frozen=True)
class Model:
    """A row of the table.

    Args:
        label: for people.
        build: makes the Keras 3 model, or the name of a shipped quantized one.
        target, rewrites, npu: as `lower` takes them.
        plan: whether the memory is planned, as the converter does for "micro".
    """

    label: str
    build: Callable[[], Any] | str
    target: str = "micro"
    rewrites: str | tuple[str, ...] = "all"
    plan: bool = True
    npu: bool = False


def _tformer_micro() -> Any:
    from tformer_keras import TFormerMicro

    return TFormerMicro(input_shape=(96, 96, 3), classes=2)


def _two_convolutions() -> Any:
    from tformer_keras import TFormerMicro

    return TFormerMicro(
        input_shape=(96, 96, 3), classes=2, stem_kernel=3, stem_widths=(32,), stem_stride=(2, 2)
    )


def _mobilenet() -> Any:
    import keras

    return keras.applications.MobileNet(
        input_shape=(96, 96, 3), alpha=0.25, weights=None, classes=2, classifier_activation=None
    )


def _segmenter() -> Any:
    from tformer_keras.models.families import CONFIGS, build_config

    return build_config(CONFIGS["segmenter_tiny"], "segmenter_tiny")


MODELS = {
    "micro": Model("TFormerMicro 96×96", _tformer_micro),
    "micro_unplanned": Model("… without the memory plan", _tformer_micro, plan=False),
    "litert": Model("… lowered for LiteRT", _tformer_micro, "litert"),
    "stock": Model("… without rewrites", _tformer_micro, "litert", "none"),
    "micro_two": Model("… with a stem of two 3×3 convolutions", _two_convolutions),
    "mobilenet": Model("MobileNetV1-0.25 96×96", _mobilenet),
    "mobilenet_unplanned": Model("… without the memory plan", _mobilenet, plan=False),
    "segmenter_tiny": Model("segmenter_tiny 96×96, 21 classes", _segmenter),
    "cifar10": Model("tformer_micro_cifar10 32×32", "tformer_micro_cifar10"),
    "cifar10_litert": Model("… lowered for LiteRT", "tformer_micro_cifar10", "litert"),
    "cifar10_small": Model("tformer_micro_cifar10_small 32×32", "tformer_micro_cifar10_small"),
    "cifar10_large": Model("tformer_micro_cifar10_large 32×32", "tformer_micro_cifar10_large"),
}


@dataclasses.dataclass(frozen=True)
class Row:
    """What one model takes. Sizes in bytes; `equal` of `images` outputs are LiteRT's reference kernels', to the bit."""

    name: str
    label: str
    parameters: int
    flash: int
    arena: int
    head: int
    tail: int
    operations: int
    macs: int
    images: int
    equal: int
    answers: int


def measure(name: str, images: list[NDArray[np.uint8]], save: Path | None) -> Row:
    """Builds, converts and runs one model of `MODELS`."""
    from tformer_edge.graph import read_graph
    from tformer_keras.deploy.micro.micro_run import run_in_micro
    from tformer_keras.deploy.tflite.interpreter import LiteRT
    from tformer_keras.models.counting import count

    model = MODELS[name]
    source, flatbuffer, preprocessing = _convert(model, images)
    graph = read_graph(flatbuffer)
    (given,) = graph.inputs
    table = input_table(preprocessing, given.scales[0], given.zero_points[0])
    inputs = np.stack([quantize_pixels(preprocessing.pixels(image), table)[None] for image in images])
    run = run_in_micro(flatbuffer, inputs)
    reference = LiteRT(flatbuffer, "reference")
    expected = np.stack([reference.run(one)[0] for one in inputs])
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        (save / f"{name}.tflite").write_bytes(flatbuffer)
    return Row(
        name=name,
        label=model.label,
        parameters=count(source).parameters,
        flash=len(flatbuffer),
        arena=run.arena,
        head=run.head,
        tail=run.tail,
        operations=len(graph.operations),
        macs=graph.macs,
        images=len(images),
        equal=int((run.outputs[0] == expected).reshape(len(images), -1).all(axis=1).sum()),
        answers=len(np.unique(expected.reshape(len(images), -1), axis=0)),
    )


def flatbuffer_of(model: Model, images: list[NDArray[np.uint8]]) -> bytes:
    """The int8 flatbuffer of a model, calibrated on the images."""
    return _convert(model, images)[1]


def _convert(model: Model, images: list[NDArray[np.uint8]]) -> tuple[Any, bytes, Preprocessing]:
    import keras

    from tformer_keras.deploy.int8.quantized_model import load_quantized, quantize_aware
    from tformer_keras.deploy.micro.memory_plan import plan_memory
    from tformer_keras.deploy.tflite.export import export_flatbuffer
    from tformer_keras.deploy.tflite.pack import pack
    from tformer_keras.models.weights import SHIPPED, quantized_weights

    if isinstance(model.build, str):
        from tformer_keras import TFormerMicro

        source = TFormerMicro(weights=model.build)
        preprocessing = Preprocessing.from_json(SHIPPED[model.build].config["preprocessing"])
        quantized = load_quantized(
            source,
            quantized_weights(model.build),
            target=model.target,
            rewrites=model.rewrites,
            npu=model.npu,
        )
    else:
        keras.utils.set_random_seed(0)
        source = model.build()
        randomise(source)
        preprocessing = Preprocessing(tuple(source.input_shape[1:3]))
        quantized = quantize_aware(source, target=model.target, rewrites=model.rewrites, npu=model.npu)
        pixels = np.stack([preprocessing.pixels(image) for image in images[:CALIBRATION]])
        quantized.calibrate([preprocessing.normalise(pixels)])
    flatbuffer = pack(export_flatbuffer(quantized, "int8", "int8", 1)).flatbuffer
    planned = model.plan and model.target == "micro"
    return source, plan_memory(flatbuffer).flatbuffer if planned else flatbuffer, preprocessing


def photo_crops(count: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Crops of 100 to 300 pixels a side of scikit-learn's two photographs."""
    from sklearn.datasets import load_sample_images

    photos = load_sample_images().images
    random = np.random.default_rng(seed)
    crops = []
    for number in range(count):
        photo = photos[number % len(photos)]
        side = int(random.integers(100, 301))
        top, left = (int(random.integers(0, length - side)) for length in photo.shape[:2])
        crops.append(photo[top : top + side, left : left + side])
    return crops


def folder_images(folder: Path, count: int) -> list[NDArray[np.uint8]]:
    """`count` images of a folder, at any depth, evenly spaced in the order of their paths."""
    from tformer_edge.images import SUFFIXES, open_image

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if len(paths) < count:
        raise UserError(
            f"at least {count} images in {folder}",
            f"{len(paths)}",
            "give another folder, or a smaller --count",
            where="--images",
        )
    return [open_image(paths[number * len(paths) // count]) for number in range(count)]


def print_table(rows: list[Row], made: dict[str, str]) -> None:
    """The table, and the budgets that it is read by."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 150)
    table = Table(title="TensorFlow Lite Micro, int8, arena on 64 bits", title_justify="left")
    for column in (
        "model",
        "parameters",
        "flash",
        "arena",
        "activations",
        "structures",
        "ops",
        "MMACs",
        "equal",
    ):
        table.add_column(column, justify="left" if column == "model" else "right")
    for row in rows:
        table.add_row(
            row.label,
            *(f"{value:,}" for value in (row.parameters, row.flash, row.arena, row.head, row.tail)),
            str(row.operations),
            f"{row.macs / 1e6:.2f}",
            f"{row.equal} of {row.images}",
        )
    console.print(table)
    budgets = ", ".join(f"{task} {size:,} bytes" for task, size in BUDGETS.items())
    console.print(f"MLPerf Tiny's models, closed division: {budgets}", style="dim", highlight=False)
    console.print("\n".join(f"{name}: {text}" for name, text in made.items()), style="dim", highlight=False)


def main() -> int:
    """Measures and prints; exit code 1 where an output of a graph for TFLite Micro is not equal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=MODELS, default=list(MODELS), help="rows of the table")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="real images (default: photo crops)")
    parser.add_argument("--count", type=int, default=200, help="images to run (default: 200)")
    parser.add_argument("--save", type=Path, metavar="FOLDER", help="keep the .tflite files there")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")
    args = parser.parse_args()
    try:
        if args.count < CALIBRATION:
            raise UserError(f"at least {CALIBRATION}", str(args.count), "take more", where="--count")
        images = photo_crops(args.count) if args.images is None else folder_images(args.images, args.count)
        rows = []
        for name in args.only:
            print(name, file=sys.stderr, flush=True)
            rows.append(measure(name, images, args.save))
    except UserError as error:
        print(f"benchmarks/micro.py: error: {error}", file=sys.stderr)
        return 2
    made = provenance()
    if args.json:
        print(json.dumps({"rows": [dataclasses.asdict(row) for row in rows], "made": made}))
    else:
        print_table(rows, made)
    exact = [row for row in rows if MODELS[row.name].target == "micro"]
    return 0 if all(row.equal == row.images for row in exact) else 1


if __name__ == "__main__":
    raise SystemExit(main())

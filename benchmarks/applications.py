"""Each family of keras.applications with random weights that make sense, and its int8 files: ours and TensorFlow's.

The files and what they are off by are kept in build/benchmarks until something that they are made of changes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.comparison import Key
from benchmarks.peers import CACHE, convert_by_tensorflow, convert_by_tformer, in_a_process, sources_key
from benchmarks.sane_weights import give_sane_weights
from tformer_edge.errors import UserError
from tformer_edge.preprocessing import Preprocessing

# Each family's smallest, with the size of images that it is made for.
SMALLEST = {
    "MobileNet": 224,
    "MobileNetV2": 224,
    "MobileNetV3Small": 224,
    "EfficientNetB0": 224,
    "EfficientNetV2B0": 224,
    "ResNet50V2": 224,
    "ResNet50": 224,
    "DenseNet121": 224,
    "NASNetMobile": 224,
    "ConvNeXtTiny": 224,
    "InceptionV3": 299,
    "Xception": 299,
    "VGG16": 224,
    "InceptionResNetV2": 299,
}
CONVERTERS = ("tformer", "tensorflow")
IMAGES = 4
# These rescale pixels of 0 to 255 themselves.
_PREPROCESS = ("EfficientNet", "MobileNetV3", "ConvNeXt")


@dataclasses.dataclass(frozen=True)
class Converted:
    """An int8 file, and the largest difference of its outputs from Keras' in float32 as a share of their range."""

    path: Path
    difference: float


def preprocessing_of(name: str, size: int) -> Preprocessing:
    """Pixels as the model takes them: 0 to 255 where it rescales them itself, else -1 to 1."""
    mean, deviation = (0.0, 1 / 255) if name.startswith(_PREPROCESS) else (0.5, 0.5)
    return Preprocessing((size, size), "stretch", 1.0, (mean,) * 3, (deviation,) * 3)


def pixels_of(size: int) -> np.ndarray:
    """The images of all measurements, uint8 (IMAGES, size, size, 3)."""
    from tformer_keras.data.pixels import synthetic_pixels

    return synthetic_pixels(IMAGES, (size, size))


def build(name: str, size: int) -> Any:
    """The member without weights of its own, and without a softmax, which would round 1000 equal classes to nothing."""
    import keras

    keras.utils.set_random_seed(0)
    construct = getattr(keras.applications, name)
    model = construct(weights=None, input_shape=(size, size, 3), classifier_activation=None)
    images = preprocessing_of(name, size).normalise(pixels_of(size))
    # NASNet's sums have branches alone and no stream beside them, of which some would all but vanish.
    give_sane_weights(model, images, calm=not (name in SMALLEST or name.startswith("NASNet")))
    return model


def convert(name: str, converter: str) -> tuple[bytes, float]:
    """The int8 file of a family's smallest, and what it is off by (see `Converted`) on its calibration's images."""
    from tformer_keras.deploy.graph.lowering_proof import compiled, difference
    from tformer_keras.deploy.tflite.interpreter import LiteRT

    size = SMALLEST[name]
    pixels, preprocessing = pixels_of(size), preprocessing_of(name, size)
    images = preprocessing.normalise(pixels)
    model = build(name, size)
    # TensorFlow takes the extremes of all images, which it is given one by one; ours the mean of each batch's.
    if converter == "tensorflow":
        file = convert_by_tensorflow(model, "int8", calibration=[image[None] for image in images])
    else:
        file = convert_by_tformer(model, "int8", calibration=[images])
    (expected,) = compiled(model)(images)
    (received,) = LiteRT(file).forward(preprocessing)(pixels)
    return file, difference(expected, received)


def converted(name: str, converter: str, cache: Path = CACHE) -> Converted:
    """The cached file, or a new one.

    Raises:
        UserError: the conversion failed.
    """
    parts = ("data", *(("deploy", "layers") if converter == "tformer" else ()))
    sources = [
        Path(__file__),
        Path(__file__).with_name("sane_weights.py"),
        Path(__file__).parent / "peers" / "conversion.py",
    ]
    stem = f"application-{name}-{converter}"
    file = cache / f"{stem}-{sources_key((name, converter), sources, parts)}.tflite"
    said = file.with_suffix(".json")
    if not (file.exists() and said.exists()):
        cache.mkdir(parents=True, exist_ok=True)
        temporary = cache / f"{stem}.tmp"  # and its .json: no name of a finished file
        in_a_process([__file__, name, converter, "--out", str(temporary)])
        for older in (*cache.glob(f"{stem}-*.tflite"), *cache.glob(f"{stem}-*.json")):
            older.unlink()
        os.replace(temporary.with_suffix(".json"), said)
        os.replace(temporary, file)
    return Converted(file, json.loads(said.read_text())["difference"])


def chosen(only: Sequence[str] | None, cache: Path = CACHE) -> dict[Key, Converted]:
    """Files of these families' smallest, or of all, by (name, converter); converts what is not in the cache.

    A member that a converter refuses has no file; standard error says why.

    Raises:
        UserError: for a name that is none of theirs.
    """
    for name in only or ():
        if name not in SMALLEST:
            raise UserError(f"names among {', '.join(SMALLEST)}", repr(name), "correct it", where="--only")
    files: dict[Key, Converted] = {}
    for name in only or SMALLEST:
        for converter in CONVERTERS:
            print(f"{name} by {converter}", file=sys.stderr, flush=True)
            try:
                files[name, converter] = converted(name, converter, cache)
            except UserError as error:
                print(error, file=sys.stderr, flush=True)
    return files


def main() -> int:
    """Converts one model into a file, and writes what it is off by beside it."""
    parser = argparse.ArgumentParser(
        description="convert one family's smallest of keras.applications to int8"
    )
    parser.add_argument("name", choices=SMALLEST)
    parser.add_argument("converter", choices=CONVERTERS)
    parser.add_argument("--out", required=True, type=Path, help="the .tflite file to write")
    args = parser.parse_args()
    file, off = convert(args.name, args.converter)
    args.out.with_suffix(".json").write_text(json.dumps({"difference": off}))
    args.out.write_bytes(file)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

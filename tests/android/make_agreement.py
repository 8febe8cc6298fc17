"""Writes what the Android app's answers are compared with: pictures and what `tformer_edge` makes of them.

    python tests/android/make_agreement.py build/android/agreement build/android/tformer_micro_cifar10_large.tflite …

OUT/TASK.bin for the first model of each task, all integers of 32 bits, little-endian: the number of pictures, of bytes
of an input tensor and of all outputs; then for each picture width, height, its pixels (RGB, 8 bits, row by row), its
input tensor, the outputs of LiteRT's reference kernels and of XNNPACK on this machine, and the answer that
`tformer_edge` reads in the reference kernels' outputs, its length before it: nothing of a classifier; of a detector for
the contract's threshold and then for LOW the number of boxes, and of each its label (32 bits), score and sides
(float64); of a segmenter the class of each pixel (16 bits), -1 where none is seen.

OUT/photos.bin is the same of the classifier with the whole photographs as Pillow decodes them; OUT/*.jpg are their
files and a drawn picture of cells; OUT/colours.tflite is a segmenter where no model is one; OUT/versions.txt says what
made all this.
"""

import argparse
import shutil
import struct
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import sklearn.datasets
from cell_pictures import cell_picture
from numpy.typing import NDArray
from photo_crops import Picture, crops
from PIL import Image

from tformer_edge import Model
from tformer_edge.contract import read_model_file
from tformer_edge.images import open_image
from tformer_edge.quantized_input import input_table, quantize_pixels

SIDES = (24, 420)  # the photographs have 427 rows
SCENE_SIDES = (120, 420)
SEED = 20260401
LOW = 0.05
CELLS = 12


def answer(model: Model, outputs: list[NDArray], picture: Picture) -> bytes:
    """What the outputs for one picture say, in the form that the module's docstring gives."""
    contract, size = model.file.contract, picture.shape[:2]
    assert contract is not None
    if contract.task == "classification":
        return b""
    if contract.task == "segmentation":
        return model.read(outputs, size).class_map.astype("<i2").tobytes()
    parts = []
    for options in ({}, {"score_threshold": LOW}):
        found = model.read(outputs, size, **options)
        parts.append(struct.pack("<i", len(found)))
        parts += [struct.pack("<i5d", one.index, one.score, *one.box) for one in found]
    return b"".join(parts)


def write(path: Path, file: Path, pictures: list[Picture]) -> None:
    """Writes pictures with the model's answers, in the form that the module's docstring gives."""
    with Model(file, kernels="reference", threads=1) as reference, Model(file, threads=1) as fast:
        contract = reference.file.contract
        if contract is None or reference.input.type != "int8":
            raise SystemExit(
                "Expected an int8 model with a contract, received another one; convert with --int8."
            )
        table = input_table(contract.image, reference.input.scale, reference.input.zero_point, "int8")
        with path.open("wb") as out:
            sizes = [int(np.prod(one.shape)) for one in (reference.input, *reference.outputs)]
            out.write(struct.pack("<iii", len(pictures), sizes[0], sum(sizes[1:])))
            for picture in pictures:
                tensor = quantize_pixels(contract.image.pixels(picture)[None], table)
                out.write(struct.pack("<ii", picture.shape[1], picture.shape[0]))
                out.write(picture.tobytes())
                out.write(tensor.tobytes())
                outputs = [model.run(tensor) for model in (reference, fast)]
                for run in outputs:
                    out.write(b"".join(one.tobytes() for one in run))
                said = answer(reference, outputs[0], picture)
                out.write(struct.pack("<i", len(said)) + said)
    print(f"wrote {len(pictures)} pictures with the answers of {file.name} to {path}")


def photographs(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.jpg"))
    if len(files) < 2:
        raise SystemExit(
            f"Expected two photographs in {folder}, found {len(files)}; install scikit-learn again."
        )
    return files


def digit_scenes(count: int) -> list[Picture]:
    from tformer_keras.data.digit_scenes import load_digit_scenes

    scenes = load_digit_scenes(masks=True).test
    return [scenes.pixels(index) for index in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for old in [*args.out.glob("*.bin"), *args.out.glob("*.tflite")]:
        old.unlink()
    files = photographs(Path(sklearn.datasets.__file__).parent / "images")
    photos = [open_image(file) for file in files]
    generator = np.random.default_rng(SEED)

    def parts(count: int, sides: tuple[int, int]) -> list[Picture]:
        return [crop for photo in photos for crop in crops(photo, generator, count, sides)]

    pictures: dict[str, Callable[[], list[Picture]]] = {
        "classification": lambda: parts(60, SIDES),
        "detection": lambda: parts(30, SCENE_SIDES) + [cell_picture(seed) for seed in range(CELLS)],
        "segmentation": lambda: parts(30, SCENE_SIDES) + digit_scenes(12),
    }
    models: dict[str, Path] = {}
    for file in args.models:
        contract = read_model_file(file).contract
        if contract is not None:
            models.setdefault(contract.task, file)
    if "segmentation" not in models:
        from colour_segmenter import colour_segmenter

        models["segmentation"] = args.out / "colours.tflite"
        models["segmentation"].write_bytes(colour_segmenter(photos).to_bytes())
    for task in pictures:
        if task in models:
            write(args.out / f"{task}.bin", models[task], pictures[task]())
    if "classification" in models:
        write(args.out / "photos.bin", models["classification"], photos)
    for file in files:
        shutil.copyfile(file, args.out / file.name)
    Image.fromarray(cell_picture(3)).save(args.out / "cells.jpg", quality=92)
    names = ("ai-edge-litert", "pillow", "numpy", "scikit-learn")
    (args.out / "versions.txt").write_text("".join(f"{name} {version(name)}\n" for name in names))


if __name__ == "__main__":
    main()

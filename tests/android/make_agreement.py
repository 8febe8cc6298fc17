"""Writes what the Android app's answers are compared with: crops of real photographs and what `tformer_edge` says about them.

    python tests/android/make_agreement.py build/android/tformer_micro_cifar10.tflite build/android/agreement

OUT/crops.bin, all integers of 32 bits, little-endian: the number of crops and of labels; then for each crop width, height, its
pixels (RGB, 8 bits, row by row) and the output of LiteRT's reference kernels (int8, one a label). OUT/photos.bin is the same with
the whole photographs as Pillow decodes them; OUT/*.jpg are their files, and OUT/versions.txt says what made all this.
"""

import argparse
import shutil
import struct
from importlib.metadata import version
from pathlib import Path

import numpy as np
import sklearn.datasets
from numpy.typing import NDArray

from tformer_edge import Model
from tformer_edge.images import open_image

CROPS_PER_PHOTO = 60
SIDES = (24, 420)  # the photographs have 427 rows
SEED = 20260401


def crops(photo: NDArray[np.uint8], generator: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Parts of a photograph of many sizes and proportions, uint8 (height, width, 3)."""
    result = []
    for _ in range(CROPS_PER_PHOTO):
        # Evenly in the logarithm: as many small crops, which are enlarged, as large ones.
        height, width = np.exp(generator.uniform(*np.log(SIDES), size=2)).astype(int)
        top = generator.integers(0, photo.shape[0] - height + 1)
        left = generator.integers(0, photo.shape[1] - width + 1)
        result.append(np.ascontiguousarray(photo[top : top + height, left : left + width]))
    return result


def write(path: Path, images: list[NDArray[np.uint8]], model: Model) -> None:
    """Writes images with the model's answers, in the form that the module's docstring gives."""
    answers = [np.asarray(model.predict(image).quantized, np.int8) for image in images]
    with path.open("wb") as file:
        file.write(struct.pack("<ii", len(images), answers[0].size))
        for image, answer in zip(images, answers, strict=True):
            file.write(struct.pack("<ii", image.shape[1], image.shape[0]))
            file.write(image.tobytes())
            file.write(answer.tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(SEED)
    folder = Path(sklearn.datasets.__file__).parent / "images"
    files = sorted(folder.glob("*.jpg"))
    if len(files) < 2:
        raise SystemExit(f"Expected two photographs in {folder}, found {len(files)}; install scikit-learn again.")
    photos = [open_image(file) for file in files]
    with Model(args.model, kernels="reference", threads=1) as model:
        write(args.out / "crops.bin", [crop for photo in photos for crop in crops(photo, generator)], model)
        write(args.out / "photos.bin", photos, model)
    for file in files:
        shutil.copyfile(file, args.out / file.name)
    names = ("ai-edge-litert", "pillow", "numpy", "scikit-learn")
    (args.out / "versions.txt").write_text("".join(f"{name} {version(name)}\n" for name in names))
    print(f"wrote {CROPS_PER_PHOTO * len(photos)} crops of {len(photos)} photographs to {args.out}")


if __name__ == "__main__":
    main()

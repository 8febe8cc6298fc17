"""Writes what the Android app's answers are compared with: crops of photographs and what `tformer_edge` makes of them.

    python tests/android/make_agreement.py build/android/tformer_micro_cifar10.tflite build/android/agreement

OUT/crops.bin, all integers of 32 bits, little-endian: the number of crops, of labels and of bytes of an input tensor;
then for each crop width, height, its pixels (RGB, 8 bits, row by row), its input tensor, and the outputs of LiteRT's
reference kernels and of XNNPACK on this machine (int8, one a label). OUT/photos.bin is the same with the whole
photographs as Pillow decodes them; OUT/*.jpg are their files, and OUT/versions.txt says what made all this.
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
from tformer_edge.quantized_input import input_table, quantize_pixels

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


def write(path: Path, images: list[NDArray[np.uint8]], reference: Model, fast: Model) -> None:
    """Writes images with the model's answers, in the form that the module's docstring gives."""
    contract = reference.file.contract
    if contract is None or reference.input.type != "int8":
        raise SystemExit("Expected an int8 model with a contract, received another one; convert with --int8.")
    table = input_table(contract.image, reference.input.scale, reference.input.zero_point, "int8")
    with path.open("wb") as file:
        values = int(np.prod(reference.input.shape))
        file.write(struct.pack("<iii", len(images), contract.label_count, values))
        for image in images:
            tensor = quantize_pixels(contract.image.pixels(image)[None], table)
            file.write(struct.pack("<ii", image.shape[1], image.shape[0]))
            file.write(image.tobytes())
            file.write(tensor.tobytes())
            for model in (reference, fast):
                file.write(model.run(tensor)[0].tobytes())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(SEED)
    folder = Path(sklearn.datasets.__file__).parent / "images"
    files = sorted(folder.glob("*.jpg"))
    if len(files) < 2:
        raise SystemExit(
            f"Expected two photographs in {folder}, found {len(files)}; install scikit-learn again."
        )
    photos = [open_image(file) for file in files]
    with Model(args.model, kernels="reference", threads=1) as reference, Model(args.model, threads=1) as fast:
        write(
            args.out / "crops.bin",
            [crop for photo in photos for crop in crops(photo, generator)],
            reference,
            fast,
        )
        write(args.out / "photos.bin", photos, reference, fast)
    for file in files:
        shutil.copyfile(file, args.out / file.name)
    names = ("ai-edge-litert", "pillow", "numpy", "scikit-learn")
    (args.out / "versions.txt").write_text("".join(f"{name} {version(name)}\n" for name in names))
    print(f"wrote {CROPS_PER_PHOTO * len(photos)} crops of {len(photos)} photographs to {args.out}")


if __name__ == "__main__":
    main()

"""What small updates win on a camera's images: CIFAR-10 with a colour cast, blur and noise, and the shipped model.

    python benchmarks/updates.py CIFAR10 /tmp/shifted          the images, the same for the same folder
    tformer update tformer_micro_cifar10_large --data /tmp/shifted --budget 10% --out /tmp/shifted-update
    python benchmarks/updates.py CAMVID /tmp/streets --scenes  a folder of boxes or masks (docs/data.md), all of it

docs/updates.md has the table.
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tformer_edge.command_line import guarded
from tformer_edge.errors import UserError
from tformer_edge.files import whole_file

# A warm lamp through a cheap lens and sensor: gains of red, green and blue, blur and noise in pixels and steps of 255.
GAINS = (1.15, 0.9, 0.6)
BLUR_RADIUS = 0.8
NOISE = 14.0
TRAIN, TEST = 5000, 2000
SUFFIXES = (".jpg", ".jpeg", ".png")


def shifted(image: Image.Image, number: int) -> Image.Image:
    """The image as that camera sees it; its noise follows from `number`."""
    blurred = image.convert("RGB").filter(ImageFilter.GaussianBlur(BLUR_RADIUS))
    pixels: NDArray[np.float64] = np.asarray(blurred, np.float64) * GAINS
    pixels += np.random.default_rng(number).normal(0, NOISE, pixels.shape)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def spaced(paths: list[Path], count: int) -> list[Path]:
    """`count` of the paths, evenly spaced in their order."""
    return [paths[index * len(paths) // count] for index in range(min(count, len(paths)))]


def make(source: Path, out: Path, train: int, test: int) -> dict[str, int]:
    """Writes the shifted images of a folder with train/ and test/ as PNG; as many of each class. Returns how many."""
    if out.exists():
        raise UserError("a new folder", str(out), "name another")
    made = {}
    for split, count in (("train", train), ("test", test)):
        classes = sorted(path for path in (source / split).glob("*") if path.is_dir())
        if not classes:
            raise UserError(
                f"{source / split}/CLASS/", "none", "give a folder of images with train/ and test/"
            )
        number = 0
        for folder in classes:
            paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
            (out / split / folder.name).mkdir(parents=True)
            for path in spaced(paths, count // len(classes)):
                with (
                    Image.open(path) as image,
                    whole_file(out / split / folder.name / f"{path.stem}.png") as part,
                ):
                    # The test's noise is none of the training's.
                    shifted(image, number + (split == "test") * (1 << 32)).save(part, "PNG")
                number += 1
        made[split] = number
    return made


def make_scenes(source: Path, out: Path) -> dict[str, int]:
    """A copy of a folder of pictures with boxes or masks, its pictures shifted, masks as they are. Returns how many."""
    if out.exists():
        raise UserError("a new folder", str(out), "name another")
    made = 0
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        copy = out / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() not in SUFFIXES or "masks" in copy.parts:
            shutil.copyfile(path, copy)
            continue
        with Image.open(path) as image, whole_file(copy) as part:
            # The same name and size, which annotations have; nearly nothing is lost by JPEG.
            kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
            shifted(image, made).save(part, kind, quality=95)
        made += 1
    if not made:
        raise UserError(f"pictures in {source}", "none", "give a folder of pictures with boxes or masks")
    return {"pictures": made}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "source", type=Path, metavar="CIFAR10", help="a folder of images, train/CLASS and test/CLASS"
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder")
    parser.add_argument(
        "--train", type=int, default=TRAIN, metavar="N", help=f"training images (default: {TRAIN})"
    )
    parser.add_argument("--test", type=int, default=TEST, metavar="N", help=f"test images (default: {TEST})")
    parser.add_argument("--scenes", action="store_true", help="a folder of boxes or masks instead, all of it")
    args = parser.parse_args()
    if args.scenes:
        print(json.dumps(make_scenes(args.source, args.out)))
    else:
        print(json.dumps(make(args.source, args.out, args.train, args.test)))
    return 0


if __name__ == "__main__":
    sys.exit(guarded("updates", main))

"""Writes JPEGs in ImageNet's layout, to rehearse with: `python -m tools.imagenet_layout FOLDER --images 1000`.

train/nNNNNNNNN/*.JPEG and val/nNNNNNNNN/*.JPEG, 500×375 as ImageNet's usual size is, or as large as phones' photos
(`--size 4000x3000`), a tenth of them in val: crops of scikit-learn's two photographs, each class in a colour of its
own, so that something can be learnt.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

from tformer_edge.files import write_whole

WIDTH, HEIGHT = 500, 375


def main() -> None:
    """Writes the files; the same arguments give the same bytes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="FOLDER")
    parser.add_argument("--images", type=int, default=1000, help="default: 1000")
    parser.add_argument("--classes", type=int, default=10, help="default: 10")
    parser.add_argument(
        "--size", default=f"{WIDTH}x{HEIGHT}", metavar="WIDTHxHEIGHT", help="default: %(default)s"
    )
    args = parser.parse_args()
    size = tuple(int(side) for side in args.size.split("x"))
    photos, random = load_sample_images().images, np.random.default_rng(0)
    tints = random.uniform(0.5, 1.0, (args.classes, 3))
    for number in range(args.images):
        photo, label = photos[number % len(photos)], number % args.classes
        width = int(random.integers(WIDTH // 2, photo.shape[1]))
        height = width * HEIGHT // WIDTH
        if height > photo.shape[0]:
            width, height = photo.shape[0] * WIDTH // HEIGHT, photo.shape[0]
        top, left = random.integers(0, (photo.shape[0] - height + 1, photo.shape[1] - width + 1))
        crop = photo[top : top + height, left : left + width] * tints[label]
        written = io.BytesIO()
        Image.fromarray(crop.astype(np.uint8)).resize(size).save(written, "JPEG", quality=90)
        split = "val" if number // args.classes % 10 == 9 else "train"
        folder = args.out / split / f"n{label:08d}"
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"n{label:08d}_{number}.JPEG", written.getvalue())


if __name__ == "__main__":
    main()

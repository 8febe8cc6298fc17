"""What `augmentation.reduced_decoding` brings, and what it changes, on JPEGs of several sizes.

    python -m benchmarks.reduced_decoding

scikit-learn's two photographs, enlarged (soft at the level of pixels, as most large photos are) and tiled (sharp), as
JPEGs of quality 90, cropped at random to 224×224. "Changed" is the mean absolute difference, of 255, to the crop of the
whole decoded picture; beside it, by the same measure, what the JPEG itself changes in the crop of the picture before.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # `benchmarks` is no installed package

from benchmarks.provenance import provenance
from tformer_edge.command_line import guarded
from tformer_edge.picture_file import picture_file
from tformer_keras.data.augmentation import Augmentation
from tformer_keras.data.placement import Box, crop_file, crop_pixels, fewest_pixels

SIZE = (224, 224)
ROUNDS = 3
CROPS = {"8 to 100 % (imagenet)": (0.08, 1.0), "35 to 100 % (photos)": (0.35, 1.0)}


@dataclasses.dataclass(frozen=True)
class Row:
    """Of one kind of picture and crop: CPU milliseconds an image, and mean absolute differences of 255."""

    width: int
    height: int
    kind: str
    kilobytes: float
    crops: str
    parts: dict[int, int]
    whole_ms: float
    reduced_ms: float
    changed: float
    by_jpeg: float


def enlarged(photo: NDArray[np.uint8], width: int, height: int) -> Image.Image:
    """The photograph at that size."""
    return Image.fromarray(photo).resize((width, height), Image.Resampling.LANCZOS)


def tiled(photo: NDArray[np.uint8], width: int, height: int) -> Image.Image:
    """The photograph and its mirror images, side by side up to that size."""
    double = np.concatenate([photo, photo[:, ::-1]], axis=1)
    double = np.concatenate([double, double[::-1]])
    times = -(-height // double.shape[0]), -(-width // double.shape[1]), 1
    return Image.fromarray(np.tile(double, times)[:height, :width])


def measure(kind: str, width: int, height: int, crops: str, count: int) -> Row:
    """Crops `count` times, the photographs by turns."""
    from sklearn.datasets import load_sample_images

    make = {"soft": enlarged, "sharp": tiled}[kind]
    pictures = [make(photo, width, height) for photo in load_sample_images().images]
    files = []
    for picture in pictures:
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=90)
        files.append(stream.getvalue())
    augmentation = Augmentation(resized_crop=CROPS[crops])
    used: collections.Counter[int] = collections.Counter()

    def box(number: int) -> Box:
        return augmentation.crop_box(height, width, 0, 0, number)

    def whole(number: int) -> NDArray[np.uint8]:
        with picture_file(files[number % len(files)]) as file:
            return crop_file(file, box(number), SIZE)

    def reduced(number: int) -> NDArray[np.uint8]:
        with picture_file(files[number % len(files)]) as file:
            parts = fewest_pixels(box(number), SIZE, file.header.most)
            used[parts] += 1
            return crop_file(file, box(number), SIZE, parts=parts)

    whole_ms, crops_of_whole = timed(whole, count)
    reduced_ms, crops_of_reduced = timed(reduced, count)
    arrays = [np.asarray(picture) for picture in pictures]
    before = [crop_pixels(arrays[number % len(arrays)], box(number), SIZE) for number in range(count)]
    return Row(
        width,
        height,
        kind,
        sum(map(len, files)) / len(files) / 1e3,
        crops,
        {parts: times // ROUNDS for parts, times in sorted(used.items())},
        whole_ms,
        reduced_ms,
        difference(crops_of_whole, crops_of_reduced),
        difference(crops_of_whole, before),
    )


def timed(make: Callable[[int], NDArray[np.uint8]], count: int) -> tuple[float, list[NDArray[np.uint8]]]:
    """CPU milliseconds a call, the least of `ROUNDS` rounds; and what was made."""
    best, made = float("inf"), []
    for _ in range(ROUNDS):
        start = time.process_time()
        made = [make(number) for number in range(count)]
        best = min(best, time.process_time() - start)
    return best / count * 1e3, made


def difference(one: list[NDArray[np.uint8]], other: list[NDArray[np.uint8]]) -> float:
    """Mean absolute."""
    return float(np.abs(np.stack(one).astype(np.int16) - np.stack(other)).mean())


def run(args: argparse.Namespace) -> int:
    """Measures and prints."""
    sizes = [tuple(int(side) for side in text.split("x")) for text in args.sizes]
    rows = [
        measure(kind, width, height, crops, args.crops)
        for width, height in sizes
        for kind in ("soft", "sharp")
        for crops in CROPS
    ]
    if args.json:
        print(json.dumps({"rows": [dataclasses.asdict(row) for row in rows], "made": provenance()}, indent=2))
        return 0
    print("| JPEG | kB | crops of | decoded at | whole, ms | reduced, ms | changed | by the JPEG itself |")
    print("|---|---:|---|---|---:|---:|---:|---:|")
    for row in rows:
        parts = ", ".join(f"{'1/' if part > 1 else ''}{part}: {times}" for part, times in row.parts.items())
        print(
            f"| {row.width}×{row.height}, {row.kind} | {row.kilobytes:,.0f} | {row.crops} | {parts} | "
            f"{row.whole_ms:.1f} | {row.reduced_ms:.1f} | {row.changed:.2f} | {row.by_jpeg:.2f} |"
        )
    return 0


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes",
        nargs="+",
        default=["500x375", "1000x750", "2000x1500", "4000x3000"],
        metavar="WIDTHxHEIGHT",
    )
    parser.add_argument("--crops", type=int, default=16, help="of each kind (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)
    return guarded("benchmarks/reduced_decoding.py", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())

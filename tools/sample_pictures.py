"""Writes test pictures of a data set as PNG files: `python -m tools.sample_pictures digit-scenes --out FOLDER`.

What the package draws or carries itself is in no folder that a device's command could be pointed at.
"""

import argparse
import io
from pathlib import Path

from PIL import Image

from tformer_edge.files import write_whole
from tformer_keras.data.load import load_dataset
from tformer_keras.data.pixels import spaced


def main() -> None:
    """Writes the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", help="a data set as `tformer train` takes it")
    parser.add_argument("--count", type=int, default=6, help="pictures, spread over the test split")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    split = load_dataset(args.data).test
    args.out.mkdir(parents=True, exist_ok=True)
    for index in spaced(len(split), args.count):
        written = io.BytesIO()
        Image.fromarray(split.pixels(index)).save(written, "PNG")
        write_whole(args.out / f"{index:05d}.png", written.getvalue())


if __name__ == "__main__":
    main()

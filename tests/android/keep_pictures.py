"""Copies the app's screens, drawn by the tests, to docs/android with a palette: a third of the bytes. Look at each.

    python tests/android/keep_pictures.py android_demo/app/target/screens docs/android

Pictures that are no longer drawn are removed there.
"""

import sys
from pathlib import Path

from PIL import Image

COLOURS = 192
# The longer side of a kept picture at most, in pixels.
SIDE = 800


def keep(source: Path, target: Path) -> int:
    """Writes one picture; returns its bytes."""
    with Image.open(source) as image:
        shown = image.convert("RGB")
    shown.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    # Without dither, which PNG cannot compress.
    shown.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(target, optimize=True)
    return target.stat().st_size


def main() -> None:
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    drawn, kept = Path(sys.argv[1]), Path(sys.argv[2])
    names = sorted(file.name for file in drawn.glob("*.png"))
    if not names:
        raise SystemExit(f"Expected pictures in {drawn}, found none; run android_demo/build.sh test")
    for old in kept.glob("*.png"):
        if old.name not in names:
            old.unlink()
    total = sum(keep(drawn / name, kept / name) for name in names)
    print(f"{len(names)} pictures, {total:,} bytes")


if __name__ == "__main__":
    main()

"""Memory over many inferences and many files: flat, or exit code 1.

  python -m tests.fuzz.soak --inferences 10000 --images 10000

After a warm-up, in which allocators and caches fill, resident memory may grow by BOUND bytes: keeping the tensor, image
or answer of each would take far more.
"""

import argparse
import io
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.fuzz.model_files import FOLDER
from tests.fuzz.seeds import make_seeds
from tests.memory import resident_bytes
from tformer_edge.cli import main as edge
from tformer_edge.model import Model

BOUND = 4 << 20
SIDES = (64, 48)  # of the test images: 9 kB of pixels


@dataclass(frozen=True)
class Flatness:
    """Attributes: `what` ran, `count` times, and by how many bytes resident memory `grew` after the warm-up."""

    what: str
    count: int
    grew: int

    @property
    def passed(self) -> bool:
        return self.grew <= BOUND


def growth(what: str, step: Callable[[int], object], count: int, pid: int | str = "self") -> Flatness:
    """Calls step(0), step(1), … `count` times; the first fifth is the warm-up."""
    warm_up = max(count // 5, 1)
    for number in range(warm_up):
        step(number)
    before = resident_bytes(pid)
    for number in range(warm_up, count):
        step(number)
    after = resident_bytes(pid)
    if before is None or after is None:
        raise RuntimeError("this system does not say how much memory a process has: run it on Linux")
    return Flatness(what, count, after - before)


def inferences(path: Path, count: int, isolated: bool = False) -> list[Flatness]:
    """Predictions of changing images, by array and by encoded bytes; of the model's own process as well."""
    random = np.random.default_rng(0)
    photos = [random.integers(0, 256, (*SIDES, 3), np.uint8) for _ in range(8)]
    encoded = [_png(photo) for photo in photos]
    with Model(path, isolated=isolated, threads=1) as model:
        where = "in a process of its own" if isolated else "in this process"
        step = lambda number: model.predict((photos if number % 2 else encoded)[number // 2 % 8])  # noqa: E731
        found = [growth(f"predict, {where}", step, count)]
        if isolated:
            found.append(growth("predict, the model's process", step, count, model.pid))
    return found


def openings(path: Path, count: int) -> Flatness:
    """A model opened, run and closed: what an interpreter holds is given back."""
    zeros = np.zeros((8, 8, 3), np.uint8)

    def step(_: int) -> None:
        with Model(path, threads=1) as model:
            model.predict(zeros)

    return growth("open, predict, close", step, count)


class _Lines(io.TextIOBase):
    """Standard output that counts lines, and says when each was written."""

    def __init__(self, seen: Callable[[int], None]) -> None:
        self.count, self._seen = 0, seen

    def write(self, text: str) -> int:
        for _ in range(text.count("\n")):
            self.count += 1
            self._seen(self.count)
        return len(text)


def folder_run(path: Path, count: int) -> Flatness:
    """`tformer-edge run` on a folder of `count` images. Raises RuntimeError where it does not answer each of them."""
    with image_folder(count) as folder:
        marks: dict[int, int] = {}
        start = max(count // 5, 1)

        def seen(number: int) -> None:
            if number in (start, count):
                marks[number] = resident_bytes() or 0

        lines = _Lines(seen)
        with redirect_stdout(lines):  # type: ignore[type-var]
            code = edge(["run", str(path), str(folder), "--json", "--threads", "1"])
    if code or lines.count != count:
        raise RuntimeError(f"expected {count} answers and code 0, received {lines.count} and {code}")
    return Flatness(f"run on a folder of {count:,} images", count, marks[count] - marks[start])


@contextmanager
def image_folder(count: int) -> Iterator[Path]:
    """A folder of `count` different PNG files."""
    folder = Path(tempfile.mkdtemp(prefix="soak"))
    try:
        random = np.random.default_rng(1)
        photos = [random.integers(0, 256, (*SIDES, 3), np.uint8) for _ in range(16)]
        for number in range(count):
            photo = photos[number % 16]
            photo[0, 0] = number % 256, number // 256 % 256, 0
            (folder / f"{number:06}.png").write_bytes(_png(photo))
        yield folder
    finally:
        shutil.rmtree(folder)


def _png(photo: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "PNG", compress_level=0)
    return file.getvalue()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--inferences", type=int, default=10_000, metavar="N", help="default: 10000")
    parser.add_argument(
        "--images", type=int, default=10_000, metavar="N", help="in the folder (default: 10000)"
    )
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="of the model files (default: build/fuzz)"
    )
    args = parser.parse_args(argv)
    make_seeds(args.folder / "seeds")
    path = args.folder / "seeds" / "int8-1.tflite"
    failed = 0
    for work in (
        lambda: inferences(path, args.inferences),
        lambda: inferences(path, args.inferences, isolated=True),
        lambda: [openings(path, max(args.inferences // 10, 2))],
        lambda: [folder_run(path, args.images)],
    ):
        started = time.monotonic()
        for one in work():
            failed += not one.passed
            verdict = "flat" if one.passed else "GROWS"
            print(f"{one.what}: {one.count:,} times, {one.grew / 1024:+,.0f} KiB, {verdict}", flush=True)
        print(f"  {time.monotonic() - started:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

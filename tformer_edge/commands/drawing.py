"""--draw: pictures that show their answers."""

import argparse
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tformer_edge.errors import UserError
from tformer_edge.files import cannot_write, write_whole
from tformer_edge.images import open_image
from tformer_edge.tasks.task import Answer

# By the name's ending, as Pillow calls them.
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def add_draw_argument(parser: argparse.ArgumentParser) -> None:
    """Declares --draw."""
    parser.add_argument(
        "--draw",
        type=Path,
        metavar="PATH",
        help="write the picture with what was found: a .png or .jpg file, or a folder, which gets one for each picture",
    )


class Drawing:
    """Writes drawn pictures to where --draw says.

    Args:
        path: a file, which each picture replaces; or a folder, which is made; None: nothing is written.

    Raises UserError where it cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._seen: dict[str, int] = {}
        self.one = path is not None and path.suffix.lower() in FORMATS
        if path is None:
            return
        folder = path.parent if self.one else path
        try:
            if path.is_dir() and self.one:
                raise UserError(f"a file {path}", "a folder of that name", "give another --draw")
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from None

    def draw(self, source: Any, name: str, answer: Answer) -> None:
        """Writes the picture `source`, anything that `Model.predict` takes, as `name` in a folder."""
        if self.path is None:
            return
        pixels = source if isinstance(source, np.ndarray) else open_image(source)
        target = self.path if self.one else self._free(Path(name).stem or "picture")
        buffer = io.BytesIO()
        answer.draw(Image.fromarray(pixels)).save(buffer, FORMATS[target.suffix.lower()], quality=92)
        try:
            write_whole(target, buffer.getvalue())
        except OSError as error:
            raise cannot_write(target, error) from None

    def _free(self, stem: str) -> Path:
        """A name in the folder that no picture of this run has: two folders may hold the same one."""
        assert self.path is not None
        count = self._seen[stem] = self._seen.get(stem, 0) + 1
        number = "" if count == 1 else f"-{count}"
        return self.path / f"{os.path.basename(stem)}{number}.png"

"""What the commands work on: a run, its quantized run, model files, a picture, made once by the commands themselves."""

import functools
import http.server
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.faults.process import Ended, Fault, run

Run = Callable[[Sequence[str], Fault], Ended]

SMALL = ["--limit-steps", "2", "--batch-size", "8"]
TINY = [
    *("--model-set", "width=1.0", "--model-set", "widths=(16,24)", "--model-set", "depths=(1,1)"),
    *("--model-set", "layer_scale=0.5"),
]
# A detector or segmenter that trains in seconds.
SCENE = [
    *("--input-size", "64", "--model-set", "backbone.width=0.125", "--model-set", "backbone.kernels=[3]"),
    *("--model-set", "head_channels=8", "--model-set", "neck_channels=8"),
]


@dataclass(frozen=True)
class Workspace:
    """Attributes: `folder`, where all of it lies, and the paths in it."""

    folder: Path

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def quantized(self) -> Path:
        return self.folder / "quantized"

    @property
    def keras(self) -> Path:
        return self.folder / "run" / "model.keras"

    @property
    def model(self) -> Path:
        return self.folder / "model.tflite"

    @property
    def micro(self) -> Path:
        return self.folder / "micro.tflite"

    @property
    def photo(self) -> Path:
        return self.folder / "photo.png"

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures"

    @property
    def site(self) -> Path:
        return self.folder / "site"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def store(self) -> Path:
        return self.folder / "models"

    @property
    def url(self) -> str:
        """Where `make` serves the site of the first workspace."""
        return (self.folder / "url.txt").read_text()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def _serve(space: Workspace) -> None:
    """Serves the site on loopback until this process ends."""
    handler = functools.partial(_Silent, directory=str(space.site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (space.folder / "url.txt").write_text(f"http://127.0.0.1:{server.server_port}/")


def make(folder: Path, run: Run = run) -> Workspace:
    """Trains, quantizes and converts tiny models of digits and of scenes, publishes one and installs it, by `run`."""

    def made(program: str, *arguments: object) -> None:
        ended = run([program, *map(str, arguments)], Fault())
        assert ended.code == 0, f"{arguments}: {ended.err}"

    space = Workspace(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    Image.fromarray(pixels).save(space.photo)
    space.pictures.mkdir()
    for turn in range(4):
        Image.fromarray(np.rot90(pixels, turn)).save(space.pictures / f"{turn}.png")
    scenes = (("detector", "digit-scenes"), ("segmenter", "digit-scenes-masks"))
    for arguments in (
        ["train", "digits", "--epochs", "1", *SMALL, *TINY, "--out", space.run],
        ["quantize", space.run, "--data", "digits", "--epochs", "1", *SMALL, "--out", space.quantized],
        ["convert", space.quantized, "--int8", "--out", space.model],
        ["convert", space.quantized, "--int8", "--target", "micro", "--out", space.micro],
        *(
            [
                "train",
                data,
                "--model",
                f"{task}_micro",
                "--epochs",
                "1",
                *SMALL,
                *SCENE,
                "--out",
                folder / task,
            ]
            for task, data in scenes
        ),
        *(
            ["convert", folder / task, "--int8", "--ptq", "--calibration", space.pictures]
            + ["--out", folder / f"{task}.tflite"]
            for task, _ in scenes
        ),
        ["publish", "init", "--to", space.site, "--keys", space.keys],
        ["publish", "release", space.model, "--to", space.site, "--keys", space.keys],
    ):
        made("tformer", *arguments)
    _serve(space)
    root = space.site / "metadata" / "1.root.json"
    made("tformer-edge", "update", space.url, "--store", space.store, "--root", root, "--no-trial")
    return space

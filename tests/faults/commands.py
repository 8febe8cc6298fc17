"""Every command, as it is run through all faults: `{name: arguments}` for a workspace and a folder to write to."""

from collections.abc import Callable
from pathlib import Path

from tests.faults.workspace import SMALL, TINY, Workspace

Arguments = list[str]
Make = Callable[[Workspace, Path], Arguments]


def _texts(*arguments: object) -> Arguments:
    return [str(argument) for argument in arguments]


COMMANDS: dict[str, Make] = {
    "train": lambda space, out: _texts(
        *("tformer", "train", "digits", "--epochs", 1, *SMALL, *TINY, "--out", out / "run", "--json")
    ),
    "quantize": lambda space, out: _texts(
        *("tformer", "quantize", space.run, "--data", "digits", "--epochs", 1, *SMALL),
        *("--out", out / "quantized", "--json"),
    ),
    "evaluate": lambda space, out: _texts(
        *("tformer", "evaluate", "digits", "--model", space.run, "--batch-size", 64, "--json")
    ),
    "predict": lambda space, out: _texts("tformer", "predict", space.photo, "--model", space.run, "--json"),
    "convert": lambda space, out: _texts(
        "tformer", "convert", space.quantized, "--int8", "--out", out / "model.tflite", "--json"
    ),
    "micro": lambda space, out: _texts("tformer", "micro", space.micro, "--out", out / "firmware", "--json"),
    "parity": lambda space, out: _texts(
        *("tformer", "parity", space.quantized, "--data", "digits", "--images", 8),
        *("--picture", out / "parity.png", "--json"),
    ),
    "runtimes": lambda space, out: _texts(
        "tformer", "runtimes", space.model, "--data", "digits", "--images", 8, "--json"
    ),
    "list": lambda space, out: _texts("tformer", "list", "--json"),
    "sizes": lambda space, out: _texts("tformer", "sizes", "--model", space.keras, "--json"),
    "edge run": lambda space, out: _texts("tformer-edge", "run", space.model, space.photo, "--json"),
    "edge inspect": lambda space, out: _texts("tformer-edge", "inspect", space.model, "--json"),
    "edge selftest": lambda space, out: _texts("tformer-edge", "selftest", space.model, "--json"),
    "edge benchmark": lambda space, out: _texts(
        "tformer-edge", "benchmark", space.model, "--runs", 3, "--json"
    ),
    "edge watch": lambda space, out: _texts(
        "tformer-edge", "watch", space.model, space.folder, "--existing", "--once", "--json"
    ),
}
# Which of the workspace's files a command reads its model from; those in a run's folder are damaged there.
READS = {
    "quantize": "run/model.keras",
    "evaluate": "run/model.keras",
    "predict": "run/model.keras",
    "sizes": "run/model.keras",
    "convert": "quantized/quantized.npz",
    "parity": "quantized/quantized.npz",
    "micro": "micro.tflite",
    "runtimes": "model.tflite",
    "edge run": "model.tflite",
    "edge inspect": "model.tflite",
    "edge selftest": "model.tflite",
    "edge benchmark": "model.tflite",
    "edge watch": "model.tflite",
}

"""Every command, as it is run through all faults: `{name: arguments}` for a workspace and a folder to write to."""

from collections.abc import Callable
from pathlib import Path

from tests.faults.workspace import SCENE, SMALL, TINY, Workspace

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
    "update": lambda space, out: _texts(
        *("tformer", "update", space.quantized, "--data", "digits", "--budget", "99%", "--shares", 50),
        *("--epochs", 1, *SMALL, "--out", out / "update", "--json"),
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
    "publish init": lambda space, out: _texts(
        "tformer", "publish", "--json", "init", "--to", out / "site", "--keys", out / "keys"
    ),
    "publish release": lambda space, out: _texts(
        *("tformer", "publish", "--json", "release", space.model, "--full"),
        *("--to", space.site, "--keys", space.keys),
    ),
    "publish promote": lambda space, out: _texts(
        "tformer",
        "publish",
        "--json",
        "promote",
        1,
        "--rollout",
        50,
        "--to",
        space.site,
        "--keys",
        space.keys,
    ),
    "publish verify": lambda space, out: _texts("tformer", "publish", "--json", "verify", "--to", space.site),
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
    "edge update": lambda space, out: _texts(
        *("tformer-edge", "update", space.url, "--store", out / "models"),
        *("--root", space.site / "metadata" / "1.root.json", "--no-trial", "--json"),
    ),
    "edge status": lambda space, out: _texts("tformer-edge", "status", "--store", space.store, "--json"),
}


def _of_scenes(task: str, data: str) -> dict[str, Make]:
    """The commands that train, measure, use and convert a model of scenes."""
    return {
        f"train {task}": lambda space, out: _texts(
            *("tformer", "train", data, "--model", f"{task}_micro", "--epochs", 1, *SMALL, *SCENE),
            *("--out", out / "run", "--json"),
        ),
        f"evaluate {task}": lambda space, out: _texts(
            "tformer", "evaluate", data, "--model", space.folder / task, "--batch-size", 64, "--json"
        ),
        f"predict {task}": lambda space, out: _texts(
            "tformer", "predict", space.photo, "--model", space.folder / task, "--json"
        ),
        f"quantize {task}": lambda space, out: _texts(
            *("tformer", "quantize", space.folder / task, "--data", data, "--epochs", 1, *SMALL),
            *("--out", out / "quantized", "--json"),
        ),
        f"convert {task}": lambda space, out: _texts(
            *("tformer", "convert", space.folder / task, "--int8", "--ptq", "--calibration", space.pictures),
            *("--out", out / "model.tflite", "--json"),
        ),
        f"edge run {task}": lambda space, out: _texts(
            *("tformer-edge", "run", space.folder / f"{task}.tflite", space.photo),
            *("--draw", out / "drawn.png", "--json"),
        ),
    }


OF_SCENES = _of_scenes("detector", "digit-scenes") | _of_scenes("segmenter", "digit-scenes-masks")
COMMANDS |= OF_SCENES
# Two steps of training better nothing, and a sentence says so.
MAY_FAIL = {"update"}
# A store keeps its state twice: the other one answers.
KEPT_TWICE = {"edge status"}
# Which of the workspace's files a command reads its model from; those in a run's folder are damaged there.
READS = {
    "quantize": "run/model.keras",
    "evaluate": "run/model.keras",
    "predict": "run/model.keras",
    "sizes": "run/model.keras",
    "convert": "quantized/quantized.npz",
    "update": "quantized/quantized.npz",
    "parity": "quantized/quantized.npz",
    "micro": "micro.tflite",
    "runtimes": "model.tflite",
    "edge run": "model.tflite",
    "edge inspect": "model.tflite",
    "edge selftest": "model.tflite",
    "edge benchmark": "model.tflite",
    "edge watch": "model.tflite",
    "publish release": "model.tflite",
    "publish promote": "site/metadata/1.root.json",
    "edge status": "models/state-1.json",
    **{
        f"{verb} {task}": f"{task}/model.keras"
        for task in ("detector", "segmenter")
        for verb in ("evaluate", "predict", "quantize", "convert")
    },
    **{f"edge run {task}": f"{task}.tflite" for task in ("detector", "segmenter")},
}

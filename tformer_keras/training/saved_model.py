"""A trained model with what is needed to use it: a run's folder, a `.keras` file (bare or of a run), a shipped one.

The folder of a quantized run gives the float model that was quantized, and the file of its quantized weights.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from tformer_edge.certainty import Certainty, parse_certainty
from tformer_edge.errors import UserError, first_line
from tformer_edge.output_json import DetectionRule
from tformer_edge.preprocessing import Preprocessing
from tformer_edge.preprocessing_checks import ChannelOrder, Resize
from tformer_edge.tasks.outputs_mean import OutputsMean
from tformer_keras.data.dataset import Dataset
from tformer_keras.models.families import shipped_model
from tformer_keras.models.keras_file import check_keras_file
from tformer_keras.models.output_maps import outputs_of, task_of
from tformer_keras.models.weights import SHIPPED, quantized_weights
from tformer_keras.tasks import TASKS
from tformer_keras.tasks.task import Task
from tformer_keras.training.model import load_model

QUANTIZED = "quantized.npz"


@dataclass(frozen=True)
class BarePreprocessing:
    """What a bare `.keras` file does not say, and nobody guesses.

    Attributes:
        mean, std, resize, crop_fraction: as in `tformer_edge.preprocessing.Preprocessing`.
        labels: class names in the order of the outputs.
        task: a key of `tformer_keras.tasks.TASKS`; None: what the model's outputs say, else classification.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: Resize
    labels: tuple[str, ...]
    crop_fraction: float = 1.0
    task: str | None = None

    def of(self, model: keras.Model, name: str) -> Preprocessing:
        """The preprocessing of a model, whose input gives the size. Raises UserError where it takes no picture."""
        size = input_size(model, name)
        order: ChannelOrder = "rgb" if model.inputs[0].shape[-1] == 3 else "grey"
        return Preprocessing(size, self.resize, self.crop_fraction, self.mean, self.std, order)


@dataclass(frozen=True)
class Trained:
    """A model with what is needed to use it.

    Attributes:
        path: as the user named it, or the file in the run's folder.
        name: what to call it: the run, the file without its suffix, or the shipped name.
        model: the Keras 3 model, float.
        preprocessing: of evaluation.
        class_names: in the order of the outputs.
        task: what it was trained for.
        record: what config.json says under "model" of the architecture: "name" and "config".
        split_seed: by which the run set its test images apart, where they were not apart before; None without a run.
        quantized: the file of quantized weights that belong to it, or None.
        certainty: of the quantized weights in LiteRT, where it was measured and config.json keeps it, or None.
        means_quantized: whether these are what is meant: with the folder of a quantized run, not with a shipped name.
    """

    path: Path
    name: str
    model: keras.Model
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    task: Task
    record: dict[str, Any]
    split_seed: int | None = None
    quantized: Path | None = None
    certainty: Certainty | None = None
    means_quantized: bool = False

    def outputs_mean(self) -> OutputsMean:
        """What the outputs are, as the device half of the task takes it."""
        return OutputsMean(
            labels=self.class_names,
            meaning=self.task.meaning(self.model),
            outputs=outputs_of(self.model),
            detection=DetectionRule() if self.task.name == "detection" else None,
        )

    def check_classes(self, dataset: Dataset, data: str) -> None:
        """Raises UserError unless the dataset, which the user called `data`, has the model's classes in its order."""
        if dataset.class_names == self.class_names:
            return
        unlike = sorted(set(dataset.class_names) ^ set(self.class_names))
        raise UserError(
            f"images of the model's {len(self.class_names)} classes",
            f"{len(dataset.class_names)} classes in {data}"
            + (f", {unlike[0]!r} being in one of them only" if unlike else " in another order"),
            "give the data that it was trained for",
        )


def need_tensorflow(what: str) -> None:
    """Raises UserError unless Keras runs on TensorFlow, on which `what` depends."""
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            f"the TensorFlow backend for {what}", keras.backend.backend(), "add --backend tensorflow"
        )


def open_model(path: str | Path, bare: BarePreprocessing | None = None) -> Trained:
    """The model at a path, or a shipped one by its name.

    Args:
        path: a run's folder, a `.keras` file with a run's config.json beside it or without, or a shipped name.
        bare: what a bare file does not say; with it, a config.json beside the file is not read.

    Raises:
        UserError: a file is missing, damaged or of another program; a bare file comes without `bare`, or a shipped
            model with it; outputs or inputs are not what the labels and the preprocessing say.
    """
    named, path = str(path), Path(path)
    if named in SHIPPED and not path.exists():
        return _shipped(named, bare)
    folder = path.is_dir()
    if folder and (path / "model.keras").is_file():
        path = path / "model.keras"
    check_keras_file(path)
    config_path = path.parent / "config.json"
    if bare is None and not config_path.is_file():
        raise UserError(
            f"config.json beside {path}, or --mean, --std, --resize and --labels",
            "none",
            "add what is missing",
        )
    model = load_model(str(path))
    quantized = path.parent / QUANTIZED
    means_quantized = folder and quantized.is_file()
    if bare is not None:
        trained = of_model(model, bare, name=name_of(path), path=path)
    else:
        config, preprocessing, names = _read_config(config_path)
        run = config.get("run", {})
        trained = Trained(
            path=path.parent if means_quantized else path,
            name=name_of(path),
            model=model,
            preprocessing=preprocessing,
            class_names=names,
            task=_task(config.get("task", "classification"), config_path),
            record=dict(config.get("model", {"name": model.name, "config": {}})),
            split_seed=int(run.get("split_seed", run.get("seed", 0))),
            quantized=quantized if means_quantized else None,
            means_quantized=means_quantized,
        )
    _check(trained, path)
    return dataclasses.replace(trained, task=trained.task.of(trained.model))


def of_model(
    model: keras.Model, bare: BarePreprocessing, name: str | None = None, path: Path | None = None
) -> Trained:
    """A Keras 3 model in memory, or from a bare file, with what it does not say itself."""
    name = model.name if name is None else name
    return Trained(
        path=Path(name) if path is None else path,
        name=name,
        model=model,
        preprocessing=bare.of(model, name if path is None else str(path)),
        class_names=bare.labels,
        task=_task(bare.task or task_of(model), Path(name)).of(model),
        record={"name": model.name, "config": {}},
    )


def name_of(path: Path) -> str:
    """What to call the model at a path: the run's folder, or the file without its suffix."""
    whole = path.resolve()
    if whole.name == "model.keras":
        return whole.parent.name
    return whole.stem if whole.suffix == ".keras" else whole.name


def input_size(model: keras.Model, name: str) -> tuple[int, int]:
    """(height, width) of a model of one picture, RGB or grey. Raises UserError for any other."""
    shapes = [tuple(tensor.shape) for tensor in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][-1] not in (1, 3) or None in shapes[0][1:]:
        raise UserError(
            "a model of images (height, width, 3), or (height, width, 1) of grey ones",
            ", ".join(f"{tensor.name} {tuple(tensor.shape)}" for tensor in model.inputs),
            "give a model of one picture of a fixed size; from Python, `lower` and `convert` take others",
            where=name,
        )
    return int(shapes[0][1]), int(shapes[0][2])


def _shipped(name: str, bare: BarePreprocessing | None) -> Trained:
    if bare is not None:
        raise UserError(
            f"no preprocessing and labels for the shipped model {name}, which carries its own",
            "some",
            "leave them out",
        )
    entry = SHIPPED[name]
    model = shipped_model(name)
    return Trained(
        path=Path(name),
        name=name,
        model=model,
        preprocessing=Preprocessing.from_json(entry.config["preprocessing"]),
        class_names=tuple(entry.config["class_names"]),
        task=_task(entry.config["task"], Path(name)).of(model),
        record=dict(entry.config["model"]),
        quantized=quantized_weights(name),
        certainty=parse_certainty(entry.config),
    )


def _check(trained: Trained, path: Path) -> None:
    trained.task.check(trained.model, len(trained.class_names))
    size = (*input_size(trained.model, str(path)), trained.model.inputs[0].shape[-1])
    expected = (*trained.preprocessing.input_size, trained.preprocessing.channels)
    if size != expected:
        raise UserError(
            f"a model of images {expected}",
            str(size),
            "give the config.json that belongs to it",
            where=str(path),
        )


def _task(name: str, where: Path) -> Task:
    if name not in TASKS:
        raise UserError(
            f"a task among {', '.join(TASKS)}", repr(name), "install a newer tformer-keras", where=str(where)
        )
    return TASKS[name]


def _read_config(path: Path) -> tuple[dict[str, Any], Preprocessing, tuple[str, ...]]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        names = config["class_names"]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("class_names that are no list of texts")
        if not isinstance(config.get("run", {}), dict) or not isinstance(config.get("model", {}), dict):
            raise ValueError("run or model that is no object")
        int(config.get("run", {}).get("split_seed", config.get("run", {}).get("seed", 0)))
        return config, Preprocessing.from_json(config["preprocessing"]), tuple(names)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, UserError) as error:
        raise UserError(f"a run's settings in {path}", first_line(error), "train again") from error

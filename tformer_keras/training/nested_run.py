"""A run that trains several capacities at once; it leaves each as an ordinary run, the largest in its own folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from tformer_edge.errors import UserError
from tformer_keras.models.families import Config
from tformer_keras.models.nested_tformer import Capacities, capacities_of, capacity_config, capacity_model
from tformer_keras.models.tformer import TFormerConfig
from tformer_keras.tasks.nested import NestedEvaluation, NestedTask
from tformer_keras.tasks.task import Evaluation
from tformer_keras.training import report
from tformer_keras.training.keras_run import KerasRun
from tformer_keras.training.recipe import plain
from tformer_keras.training.run_folder import Job

# Where a run keeps its smaller capacities, each in a folder of its name.
FOLDER = "capacities"


def nested_capacities(job: Job, config: Config) -> Capacities:
    """What --nested asks for; empty without.

    Raises:
        UserError: it is not possible, or together with what the job asks for besides.
    """
    if job.nested is None:
        return {}
    if not isinstance(config, TFormerConfig):
        raise UserError("a TFormer classifier", job.model, "leave it out", where="--nested")
    if job.teachers:
        raise UserError(
            "one teacher, which is the largest capacity", "--teacher too", "leave one out", where="--nested"
        )
    return capacities_of(job.nested, job.model, config)


def capacity_folders(run: Path) -> dict[str, Path]:
    """The folder of each smaller capacity of a run by name, the larger first; empty where it has none.

    Raises:
        UserError: the run names a capacity that is not there.
    """
    try:
        nested = json.loads((run / "config.json").read_text(encoding="utf-8"))["run"]["nested"] or {}
        names = [str(name) for name in nested][1:]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    folders = {name: run / FOLDER / name for name in names}
    for name, folder in folders.items():
        if Path(name).name != name or not (folder / "model.keras").is_file():
            raise UserError(f"the capacity {name} in {run / FOLDER}", "none", "finish the training first")
    return folders


class NestedRun(KerasRun):
    """Args: those of `KerasRun` with a `NestedTFormer`; then the largest one's configuration, all capacities' depths,
    and what config.json says of the run."""

    def __init__(
        self, *arguments: Any, config: TFormerConfig, capacities: Capacities, record: Mapping[str, Any]
    ) -> None:
        self.config, self.capacities, self.record = config, capacities, record
        super().__init__(*arguments)

    def task_of(self, model: keras.Model) -> Any:
        """The task of all capacities."""
        return NestedTask(super().task_of(model), tuple(self.capacities))

    def save(self, evaluation: Evaluation) -> None:
        """Writes the smaller capacities, each a run of its own, then the largest."""
        assert isinstance(evaluation, NestedEvaluation)
        largest, *smaller = self.capacities
        for name in smaller:
            write_capacity(
                self.job.out / FOLDER / name,
                self.model_of(name),
                capacity_record(self.record, capacity_config(self.config, self.capacities[name])),
                evaluation.capacities[name],
            )
        report.save_model(self.job.out, self.model_of(largest))

    def model_of(self, name: str) -> keras.Model:
        """One capacity as an ordinary model."""
        return capacity_model(self.model, self.config, self.capacities, name)


def capacity_record(record: Mapping[str, Any], config: TFormerConfig) -> dict[str, Any]:
    """config.json of a smaller capacity, from that of the run."""
    model = {**record["model"], "config": plain(vars(config))}
    return {**record, "run": {**record["run"], "nested": None}, "model": model}


def write_capacity(
    folder: Path, model: keras.Model, record: Mapping[str, Any], evaluation: Evaluation
) -> None:
    """Writes a smaller capacity as what `open_model` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    report.write_json(folder / "config.json", record)
    report.save_model(folder, model)
    result = {
        "finished": True,
        "parameters": model.count_params(),
        "evaluation": evaluation.to_json(),
    }
    report.write_json(folder / "report.json", result)

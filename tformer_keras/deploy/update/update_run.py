"""An update of a deployed quantized model: trains all weights, then few of them, and writes the best that fits."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import keras
import rich.console

from tformer_edge.contract import load_bytes, read_model_file
from tformer_edge.errors import Failure, UserError
from tformer_edge.files import cannot_write, write_whole
from tformer_edge.update.recomputed_golden import smallest_delta
from tformer_keras.data.dataset import Dataset
from tformer_keras.deploy.conversion import Conversion
from tformer_keras.deploy.graph_source import AS_TRAINED, GraphSource
from tformer_keras.deploy.int8.quantized_model import load_quantized
from tformer_keras.deploy.model_conversion import file_of
from tformer_keras.deploy.tflite.pack import pack
from tformer_keras.deploy.update.moving_weights import Masks, best, everything, head
from tformer_keras.deploy.update.update_bytes import Cost, Dress, cost, dress_of
from tformer_keras.deploy.update.update_job import UpdateJob, run_record
from tformer_keras.deploy.update.update_report import Tried, UpdateTable
from tformer_keras.deploy.update.update_stage import UpdateStages
from tformer_keras.tasks.task import Figure
from tformer_keras.training import report
from tformer_keras.training.distribution import Cluster
from tformer_keras.training.loop import finished, speaker
from tformer_keras.training.run_folder import check_out, locked
from tformer_keras.training.saved_model import Trained

# An update of less than this share of the budget is not the best that it can buy.
USED = 0.85
# What is aimed at, and how often: bytes are known only after a training.
AIM, TRIES = 0.95, 3
PICTURE = "updates.png"


def update(
    job: UpdateJob, trained: Trained, dataset: Dataset, console: rich.console.Console
) -> dict[str, Any]:
    """Makes, or goes on with, the update in `job.out`, and returns its report.

    Args:
        trained: with quantized weights, which are those that devices have.
        dataset: of the model's own classes.

    Raises:
        UserError: a mistake in the job, the model or the data, or the folder holds something else.
        Failure: no update that fits the budget is better than the deployed model.
        Stop: the run was asked to stop; its checkpoint is saved.
    """
    say = speaker(console)
    check_out(job.out, "update")
    assert trained.quantized is not None
    quantized = load_quantized(trained.model, trained.quantized)
    source = GraphSource(trained, quantized, AS_TRAINED, False, ())
    if job.deployed is None:
        dress = Dress()
        conversion = dress.convert(quantized)
        deployed = file_of(source, conversion).to_bytes()
    else:
        deployed = load_bytes(job.deployed)
        flatbuffer = read_model_file(deployed).flatbuffer
        dress = dress_of(flatbuffer)
        conversion = dress.convert(quantized)
        _check_deployed(job, flatbuffer, conversion)
    record = run_record(job, trained, dataset, quantized.weights, deployed)
    done = finished(job, record, Cluster(), say)
    if done is not None:
        return done
    renamed = as_a_run(source, job.out)
    least = smallest_delta(deployed, file_of(renamed, conversion, metadata=dress.metadata).to_bytes())
    if job.most_bytes(len(deployed)) <= least:
        raise UserError(
            f"more than the {least:,} bytes that the contract of any new file costs",
            f"{job.most_bytes(len(deployed)):,} bytes",
            "give more",
            where="--budget",
        )
    keras.utils.set_random_seed(job.seed)
    try:
        job.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(job.out, error) from error
    with locked(job.out):
        report.write_json(job.out / "config.json", record)
        stages = UpdateStages(job, trained, quantized, dataset, say)
        return _Update(job, stages, renamed, deployed, conversion.flatbuffer, dress, least, console).run()


def as_a_run(source: GraphSource, out: Path) -> GraphSource:
    """The source as `tformer convert` will find it in the folder `out`.

    How certain the deployed weights were (`certainty` of a shipped model) does not hold for others.
    """
    trained = dataclasses.replace(source.trained, name=out.resolve().name, certainty=None)
    return dataclasses.replace(source, trained=trained)


def _check_deployed(job: UpdateJob, flatbuffer: bytes, conversion: Conversion) -> None:
    """Raises UserError unless the model of the file that devices have is the conversion's, metadata apart."""
    if pack(flatbuffer, "full").flatbuffer != pack(conversion.flatbuffer, "full").flatbuffer:
        raise UserError(
            f"the file that {job.source} converts to with this version",
            f"{job.deployed}, which holds another model",
            "give the run that it was made of, or leave it out",
            where="--deployed",
        )


class _Update:
    def __init__(
        self,
        job: UpdateJob,
        stages: UpdateStages,
        source: GraphSource,
        deployed: bytes,
        flatbuffer: bytes,
        dress: Dress,
        least: int,
        console: rich.console.Console,
    ) -> None:
        self.job, self.stages, self.source, self.console = job, stages, source, console
        self.deployed, self.flatbuffer, self.dress, self.least = deployed, flatbuffer, dress, least
        self.most = job.most_bytes(len(deployed))
        self.tried: list[Tried] = []
        self.costs: dict[str, Cost] = {}
        self.seconds = 0.0

    def run(self) -> dict[str, Any]:
        job, stages, quantized = self.job, self.stages, self.stages.quantized
        before = stages.evaluate()
        stages.say(
            f"{before.headline.name} of the deployed model {before.headline.shown}, of {before.images} test images"
        )
        self.try_out("all", 1.0, everything(quantized))
        scores = stages.scores_of("all")
        self.try_out("head", "head", head(quantized))
        total = sum(score.size for score in scores)
        for share in job.shares:
            self.try_out(_shown(share), share, best(scores, round(share * total)))
        self.use_budget(scores, total)
        table = UpdateTable(before.headline, len(self.deployed), self.most, self.tried)
        stages.say(table.text())
        chosen = table.best()
        if chosen is None:
            raise UserError(
                f"at least {min(one.bytes for one in self.tried):,} bytes, the smallest update that was found",
                f"{self.most:,}",
                "give more",
                where="--budget",
            )
        if chosen.figure.value <= before.headline.value:
            raise Failure(
                f"no update within {self.most:,} bytes is better than the deployed model on these test images; give "
                "more images, a larger budget, more --epochs or another --learning-rate, and another --out"
            )
        quantized.weights = stages.weights_of(_folder(chosen.name))
        evaluation = stages.evaluate()
        result = {
            "finished": True,
            "model": job.source,
            "data": job.data,
            "recipe": job.recipe.name,
            "parameters": self.source.trained.model.count_params(),
            "epochs": job.recipe.epochs,
            "seconds": round(self.seconds, 1),
            "evaluation": evaluation.to_json(),
            "before": {"deployed": {key: figure.value for key, figure in before.figures.items()}},
            "target": quantized.target,
            "rewrites": list(quantized.rewrites),
            "limit_steps": job.limit_steps,
            **table.to_json(),
            "file_sha256": hashlib.sha256(self.costs[chosen.name].file).hexdigest(),
        }
        quantized.save(job.out)
        write_whole(job.out / PICTURE, table.draw())
        report.write_run(job.out, [], evaluation, stages.evaluated(), result)
        stages.say(
            f"saved in {job.out}: {chosen.name}, {chosen.bytes:,} bytes by way. "
            f"`tformer convert {job.out} --int8{self.dress.arguments(quantized.target)}` writes the file"
        )
        return result

    def try_out(self, name: str, moves: float | str, masks: Masks) -> Tried:
        done = self.stages.train(_folder(name), moves, masks, self.console)
        self.seconds += done["seconds"]
        self.costs[name] = found = cost(self.source, self.deployed, self.flatbuffer, self.dress)
        may_move = sum(int(mask.sum()) for mask in masks)
        tried = Tried(name, may_move, found.moved, found.delta, Figure(**done["headline"]))
        self.tried.append(tried)
        self.stages.say(f"{name}: {tried.figure}, {tried.bytes:,} bytes")
        return tried

    def use_budget(self, scores: Any, total: int) -> None:
        """Trains the share of weights that the budget buys, unless one that was tried is about that."""
        for _ in range(TRIES):
            by_share = sorted((one for one in self.tried if one.name != "head"), key=lambda one: one.may_move)
            below = [one for one in by_share if one.bytes <= self.most]
            above = [one for one in by_share if one.bytes > self.most]
            if not above or (below and below[-1].bytes >= USED * self.most):
                return
            low = (below[-1].may_move, below[-1].bytes) if below else (0, self.least)
            high = above[0].may_move, above[0].bytes
            part = (AIM * self.most - low[1]) / (high[1] - low[1])
            share = float(f"{(low[0] + part * (high[0] - low[0])) / total:.3g}")
            count = round(share * total)
            if count < 1 or any(one.may_move == count for one in by_share):
                return
            self.try_out(_shown(share), share, best(scores, count))


def _shown(share: float) -> str:
    return f"{100 * share:.3g} %"


def _folder(name: str) -> str:
    return name.replace(" %", "-percent")
